package sqlbackend

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// content is one content of a group.
type content struct {
	sdk.Content                 // as asked for; as stored, once that is known
	body        *body           // nil: no item brought one
	from        *entry          // that brought body
	users       []sdk.Tombstone // live records; none: only purged ones have it, and need no body

	key      int64 // of codex_artifact; 0: no row
	present  bool  // there was a row, and no purge
	intact   bool  // this call has read the body in the archive, which stays
	replaced bool  // that body is intact, and makes place for the one of an item
	written  bool  // by this group
	repaired bool  // written in place of a damaged body
}

// storeContents makes sure that every content of the group is present and intact,
// and locks its row.
func (g *group) storeContents(ctx context.Context) error {
	g.collect()
	if err := g.findArtifacts(ctx); err != nil {
		return err
	}
	if err := g.checkPresent(); err != nil {
		return err
	}
	for _, c := range g.contents {
		if err := g.replaceBody(ctx, c); err != nil {
			return err
		}
	}
	return g.storeBodies(ctx)
}

// collect finds the contents of the group, sorted.
func (g *group) collect() {
	g.byDigest = make(map[sdk.Digest]*content, len(g.entries))
	for _, e := range append(slices.Clone(g.entries), g.repeats...) {
		c := g.byDigest[e.record.Content.SHA256]
		if c == nil {
			c = &content{Content: e.record.Content}
			g.byDigest[c.SHA256] = c
			g.contents = append(g.contents, c)
		}
		if e.body != nil {
			c.body, c.from, c.Content = e.body, e, e.body.content
		}
		if !e.purged() {
			c.users = append(c.users, e.record.Tombstone)
		}
	}
	slices.SortFunc(g.contents, func(x, y *content) int { return bytes.Compare(x.SHA256[:], y.SHA256[:]) })
}

var insertArtifact = insert{
	table: "codex_artifact",
	columns: []column{
		{"sha256", Bytes}, {"size", Int}, {"codec", Text}, {"stored_size", Int}, {"crc32c", Int}, {"stored_sha256", Bytes}, {"present", Int},
	},
	skipTaken: true,
	returning: "id, sha256",
}

// findArtifacts locks the rows of the contents and makes those that are missing,
// always in order. A row that another transaction makes at the same moment is
// waited for and then locked like the others.
func (g *group) findArtifacts(ctx context.Context) error {
	if err := g.lockArtifacts(ctx); err != nil {
		return err
	}
	if err := g.insertArtifacts(ctx); err != nil {
		return err
	}
	return g.lockArtifacts(ctx)
}

// insertArtifacts makes rows for the contents that have bodies, or need none, and
// have no row yet.
func (g *group) insertArtifacts(ctx context.Context) error {
	var fresh []*content
	for _, c := range g.contents {
		if present := c.body != nil && !c.body.dropped; c.key == 0 && (present || len(c.users) == 0) {
			fresh = append(fresh, c)
		}
	}
	if g.b.d.Insert.Pack != nil {
		fresh = packed(fresh, g.b.d.Insert.Pack)
	}
	rows := make([][]any, len(fresh))
	for i, c := range fresh {
		rows[i] = []any{c.SHA256[:], c.Size, string(c.Codec), c.StoredSize, int64(c.CRC32C), c.StoredSHA256[:], truth(c.body != nil && !c.body.dropped)}
	}
	return insertArtifact.rows(ctx, g.db, rows, func(scan scan) error {
		var key int64
		var sha []byte
		if err := scan(&key, &sha); err != nil {
			return err
		}
		c := g.byDigest[sdk.Digest(sha)]
		c.key, c.written = key, c.body != nil
		return nil
	})
}

// truth is how the database keeps a bool.
func truth(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// packed orders contents whose bodies have a row each as pack says. Their keys
// will rise in this order, and bodies are stored in the order of keys.
func packed(contents []*content, pack func([]int64) []int) []*content {
	var ordered, small []*content
	var sizes []int64
	for _, c := range contents {
		if c.StoredSize > sdk.SmallBody {
			ordered = append(ordered, c)
			continue
		}
		small, sizes = append(small, c), append(sizes, c.StoredSize)
	}
	for _, i := range pack(sizes) {
		ordered = append(ordered, small[i])
	}
	return ordered
}

// lockArtifacts looks for the rows that are not known yet and locks them, so
// that no purge takes their bodies before this transaction ends. Others may
// share the lock: MariaDB grants it to all that tried to insert a row that was
// taken, and a stronger one would then end in a deadlock.
func (g *group) lockArtifacts(ctx context.Context) error {
	var unknown []sdk.Digest
	for _, c := range g.contents {
		if c.key == 0 {
			unknown = append(unknown, c.SHA256)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	found, err := g.db.findContents(ctx, unknown, g.b.d.Locks.ForShare)
	if err != nil {
		return err
	}
	for _, k := range found {
		c := g.byDigest[k.SHA256]
		if c.key = k.key; len(c.users) == 0 {
			continue
		}
		if err := g.checkKept(ctx, k); err != nil {
			return err
		}
		if k.intact && k.Size != c.Size && g.proven(c) {
			k.intact = false // its body is written again, with the right size
		}
		if k.intact && k.Size != c.Size {
			return &sdk.Error{Kind: sdk.Conflict, Tombstones: c.users, Msg: "content with this SHA-256 is known with another size"}
		}
		c.present, c.intact = k.present, k.intact
		if c.replaced = c.intact && c.body != nil && k.StoredSHA256 == c.body.replaces; c.replaced {
			c.intact = false
		}
		if c.intact {
			c.Content = k.Content
		}
	}
	return nil
}

// proven reports whether the size of c is that of a record which was stored before:
// its digest, which the archive has as well, covers the size.
func (g *group) proven(c *content) bool {
	return slices.ContainsFunc(g.repeats, func(e *entry) bool {
		return e.record.Content.SHA256 == c.SHA256 && e.record.Content.Size == c.Size && e.record.CheckDigest() == nil
	})
}

// checkKept says of a locked row whether its body is intact: as the survey found
// it, if the row has not changed, else by reading the body now, unless it is
// large.
func (g *group) checkKept(ctx context.Context, k *kept) error {
	before := g.survey[k.SHA256]
	switch {
	case !k.present:
		return nil
	case before != nil && before.sameRow(k):
		k.intact = before.intact
		return nil
	case k.StoredSize > sdk.StagedBody:
		g.outdated = true
		return sdk.Errorf(sdk.Busy, "the content was changed by another program while it was read")
	}
	return k.check(ctx, g.db)
}

// checkPresent finds contents that are neither intact nor brought by an item.
func (g *group) checkPresent() error {
	absent := sdk.Culprits{Kind: sdk.ContentAbsent, Msg: "the archive does not have the content, or it is damaged"}
	dropped := sdk.Culprits{Kind: sdk.Busy, Msg: "the content was purged or damaged while it was being stored again"}
	for _, c := range g.contents {
		if c.intact || c.body != nil && !c.body.dropped || len(c.users) == 0 {
			continue
		}
		verdict := &absent
		if c.body != nil {
			verdict = &dropped
		}
		for _, id := range c.users {
			verdict.Add(id)
		}
	}
	if err := absent.Err(); err != nil {
		return err
	}
	return dropped.Err()
}

// replaceBody makes the row of a content whose body was purged, damaged or lost, or
// is to be replaced, describe the body of this group.
func (g *group) replaceBody(ctx context.Context, c *content) error {
	if c.written || c.intact || len(c.users) == 0 {
		return nil
	}
	if c.key == 0 {
		return counted(0, 1)
	}
	if err := g.db.removeBody(ctx, c.key); err != nil {
		return err
	}
	c.Content, c.written, c.repaired = c.body.content, true, c.present && !c.replaced
	return g.db.change(ctx, 1, `UPDATE codex_artifact SET size = ?, codec = ?, stored_size = ?, crc32c = ?, stored_sha256 = ?, present = 1
		WHERE id = ?`, c.Size, string(c.Codec), c.StoredSize, int64(c.CRC32C), c.StoredSHA256[:], c.key)
}

var insertBody = insert{
	table:   "codex_body",
	columns: []column{{"artifact", Int}, {"data", Bytes}},
}

// storeBodies writes the bodies of the contents that this group made.
func (g *group) storeBodies(ctx context.Context) error {
	var small [][]any
	for _, c := range g.contents {
		if !c.written {
			continue
		}
		body := c.body
		switch {
		case body.staged != nil:
			if err := body.staged.adopt(ctx, g.db, c.key); err != nil {
				return err
			}
		case c.StoredSize > sdk.SmallBody:
			if err := g.storeChunks(ctx, c); err != nil {
				return err
			}
		default:
			small = append(small, []any{c.key, body.whole()})
		}
	}
	slices.SortFunc(small, func(x, y []any) int { return cmp.Compare(x[0].(int64), y[0].(int64)) })
	return insertBody.rows(ctx, g.db, small, nil)
}

// storeChunks writes a held body in pieces, under an upload that is adopted
// from the start.
func (g *group) storeChunks(ctx context.Context, c *content) error {
	var upload int64
	err := g.db.query(ctx, "INSERT INTO codex_upload (owner, artifact) VALUES (?, ?) RETURNING id",
		[]any{c.from.record.Tombstone[:], c.key}, func(scan scan) error { return scan(&upload) })
	if err == nil {
		err = inserted(upload)
	}
	if err != nil {
		return err
	}
	rows := make([][]any, len(c.body.pieces))
	for i, piece := range c.body.pieces {
		rows[i] = []any{upload, int64(i), piece}
	}
	return insertChunk.rows(ctx, g.db, rows, nil)
}
