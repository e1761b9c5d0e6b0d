package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/codex-archive/codex/sdk/backendtest"
)

// Tamper does what the kit asks for to an archive whose database db is.
func Tamper(ctx context.Context, db *sql.DB, dollar bool, what backendtest.Tampering) error {
	record, other := what.Record[:], what.Other[:]
	var changed int64
	change := func(statement string, args ...any) error {
		if dollar {
			for n := range args {
				statement = strings.Replace(statement, "?", fmt.Sprintf("$%d", n+1), 1)
			}
		}
		result, err := db.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		changed += n
		return err
	}
	var err error
	switch what.How {
	case backendtest.RemoveBody:
		err = change("DELETE FROM codex_body WHERE artifact = (SELECT artifact FROM codex_item WHERE tombstone = ?)", record)
		if err == nil {
			err = change(`DELETE FROM codex_artifact_chunk WHERE upload =
				(SELECT u.id FROM codex_upload u JOIN codex_item i ON i.artifact = u.artifact WHERE i.tombstone = ?)`, record)
		}
	case backendtest.SpoilRecord:
		err = change("UPDATE codex_item SET file_mode = -1 WHERE tombstone = ?", record)
	case backendtest.SpoilContent:
		err = change("UPDATE codex_artifact SET stored_size = -1 WHERE id = (SELECT artifact FROM codex_item WHERE tombstone = ?)", record)
	case backendtest.SwapContent:
		err = change(`UPDATE codex_item SET artifact =
			(SELECT artifact FROM (SELECT artifact FROM codex_item WHERE tombstone = ?) AS other) WHERE tombstone = ?`, other, record)
	case backendtest.RemoveRecord:
		err = change("DELETE FROM codex_item WHERE tombstone = ?", record)
	case backendtest.RemoveContent:
		err = change("DELETE FROM codex_artifact WHERE id = (SELECT artifact FROM codex_item WHERE tombstone = ?)", record)
	case backendtest.FeignPurge:
		err = change("UPDATE codex_item SET purged_at = archived_at WHERE tombstone = ?", record)
	default:
		err = fmt.Errorf("unknown harm %q", what.How)
	}
	if err == nil && changed == 0 {
		err = fmt.Errorf("%s: no row of %v", what.How, what.Record)
	}
	return err
}
