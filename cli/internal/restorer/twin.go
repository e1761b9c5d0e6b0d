package restorer

import (
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// Two paths can be one file: where the file system does not distinguish the case
// of letters, or their composition. A run that restores two records to one file
// would lose the first.

// checkTwin refuses a file that this run made under another path.
func (rs *Restorer) checkTwin(p *place) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.twin(p)
}

func (rs *Restorer) twin(p *place) error {
	if len(rs.made) == 0 || p.root == nil || p.free {
		return nil
	}
	info, err := p.root.Lstat(p.name)
	if err != nil {
		return nil // nothing is there
	}
	id, ok := durable.Identity(info)
	if other, made := rs.made[id]; ok && made && other != p.shown {
		return sdk.Errorf(sdk.Refused, "output %s is the file that %s was restored to: this file system takes the two names for one", p.shown, other)
	}
	return nil
}

// publishOnce publishes the file and remembers it. No other file of this run is
// published between the check and the rename. Where nothing is replaced the
// system checks that the name is free.
func (rs *Restorer) publishOnce(t *durable.Temp, w restoring) error {
	info, err := t.File.Stat()
	if err != nil {
		return err
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if w.force {
		w.place.free = false // another file of this run may have it now
		if err := rs.twin(w.place); err != nil {
			return err
		}
	}
	if err := t.Publish(w.place.name, w.force); err != nil {
		return err
	}
	if id, ok := durable.Identity(info); ok {
		if rs.made == nil {
			rs.made = map[durable.FileID]string{}
		}
		rs.made[id] = w.place.shown
	}
	return nil
}
