package sqlbackend

import (
	"context"
	"database/sql"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// measures are how the lengths of stored bodies are looked up.
type measures struct {
	body  string // expression: the length of d.data; empty: rows are counted
	chunk string // the same of c.data
}

// cheap leaves out lengths that only reading the bodies would find.
func (d *Dialect) cheap() measures {
	if d.Server.LengthReads {
		return measures{}
	}
	return measures{body: d.length("d.data"), chunk: d.length("c.data")}
}

// thorough measures bodies of one row in any case: for a page of records.
func (d *Dialect) thorough() measures {
	m := d.cheap()
	m.body = d.length("d.data")
	return m
}

func (d *Dialect) length(column string) string {
	return strings.ReplaceAll(d.Server.Length, "?", column)
}

// whole is a condition on the chunks c of one upload of an artifact a: all are
// there, with the recorded length.
func (m measures) whole() string {
	numbered := "min(c.seq) = 0 AND max(c.seq) = count(*) - 1 AND "
	if m.chunk == "" {
		// Every piece but the last one has ChunkSize bytes, which are 262144.
		return numbered + "count(*) * 262144 >= a.stored_size AND (count(*) - 1) * 262144 < a.stored_size"
	}
	return numbered + "sum(" + m.chunk + ") = a.stored_size"
}

// fits is a condition on the body d of an artifact a.
func (m measures) fits() string {
	if m.body == "" {
		return "d.artifact IS NOT NULL"
	}
	return m.body + " = a.stored_size"
}

// wholeUploads selects the artifacts whose body in pieces is complete.
func (m measures) wholeUploads() string {
	return `SELECT u.artifact FROM codex_upload u JOIN codex_artifact a ON a.id = u.artifact
		JOIN codex_artifact_chunk c ON c.upload = u.id
		WHERE a.present <> 0 GROUP BY u.id, u.artifact, a.stored_size HAVING ` + m.whole()
}

// count counts the records: live ones, those of them whose body is there with the
// recorded length, those that a hold keeps, and purged ones.
func (db *conn) count(ctx context.Context, h *sdk.Health) error {
	m := db.b.d.cheap()
	if m.body == "" {
		h.Unmeasured = "bodies were counted, and the pieces of larger ones; to find their lengths is to read them"
	}
	// Outer joins keep planners from beginning with another table than that of
	// records, whose index has all that is needed. They find nothing for purged
	// records, which are counted on the way.
	var all, small, large int64
	err := db.queryRow(ctx, `SELECT count(*), count(i.purged_at), COALESCE(sum(CASE WHEN a.present <> 0 AND `+m.fits()+` THEN 1 ELSE 0 END), 0)
		FROM codex_item i LEFT JOIN codex_artifact a ON a.id = i.artifact AND i.purged_at IS NULL
		LEFT JOIN codex_body d ON d.artifact = a.id`, &all, &h.Purged, &small)
	if err != nil {
		return err
	}
	err = db.queryRow(ctx, `SELECT count(*) FROM codex_item i JOIN (`+m.wholeUploads()+`) w ON w.artifact = i.artifact
		WHERE i.purged_at IS NULL AND NOT EXISTS (SELECT 1 FROM codex_body d WHERE d.artifact = i.artifact)`, &large)
	if err != nil {
		return err
	}
	err = db.queryRow(ctx, `SELECT count(DISTINCT h.item) FROM codex_hold h JOIN codex_item i ON i.id = h.item
		WHERE h.released_at IS NULL AND i.purged_at IS NULL`, &h.Held)
	// Each statement sees what is committed when it begins. Records that were stored
	// since the first one do not count.
	h.Live = all - h.Purged
	h.Retrievable, h.Held = min(small+large, h.Live), min(h.Held, h.Live)
	return err
}

// findPresent returns which of some artifacts have a body of the recorded length.
func (db *conn) findPresent(ctx context.Context, artifacts []any) (map[int64]bool, error) {
	m := db.b.d.thorough()
	present := map[int64]bool{}
	var inPieces []any
	in, args := db.b.d.in("a.id", Int, artifacts)
	err := db.query(ctx, `SELECT a.id, u.id, CASE WHEN `+m.fits()+` THEN 1 ELSE 0 END FROM codex_artifact a
		LEFT JOIN codex_upload u ON u.artifact = a.id LEFT JOIN codex_body d ON d.artifact = a.id
		WHERE a.present <> 0 AND `+in, args, func(scan scan) error {
		var key int64
		var upload, fits sql.NullInt64
		if err := scan(&key, &upload, &fits); err != nil {
			return err
		}
		if upload.Valid {
			inPieces = append(inPieces, key)
		} else {
			present[key] = fits.Int64 == 1
		}
		return nil
	})
	if err != nil || len(inPieces) == 0 {
		return present, err
	}
	in, args = db.b.d.in("a.id", Int, inPieces)
	whole := strings.Replace(m.wholeUploads(), "WHERE ", "WHERE "+in+" AND ", 1)
	return present, db.query(ctx, whole, args, func(scan scan) error {
		var key int64
		err := scan(&key)
		present[key] = true
		return err
	})
}
