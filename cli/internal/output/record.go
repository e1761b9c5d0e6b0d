package output

import (
	"fmt"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// RecordView is a record as results show it.
type RecordView struct {
	Tombstone      string            `json:"tombstone,omitempty"` // "" in a dry run
	Set            string            `json:"set,omitempty"`       // "" in a dry run
	SHA256         string            `json:"sha256"`
	Size           int64             `json:"size_bytes"`
	CompressedSize int64             `json:"compressed_size"`
	Codec          string            `json:"codec"`
	Deduplicated   *bool             `json:"deduplicated,omitempty"` // of store only
	Repo           string            `json:"repo"`
	Path           string            `json:"path"`
	PathB64        string            `json:"path_b64,omitempty"`
	WorkTreePath   string            `json:"worktree_path,omitempty"`
	WorkTreeB64    string            `json:"worktree_path_b64,omitempty"`
	Type           string            `json:"type"`
	Commit         string            `json:"commit"`
	WorkTreeState  string            `json:"worktree_state,omitempty"`
	GitBlob        string            `json:"git_blob,omitempty"`
	SWHID          string            `json:"swhid,omitempty"`
	Reason         string            `json:"reason"`
	Kind           string            `json:"kind"`
	Note           string            `json:"note,omitempty"`
	Tags           []string          `json:"tags,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	Mode           string            `json:"mode"`
	ModifiedAt     *time.Time        `json:"modified_at,omitempty"` // nil: it was no file, but standard input
	ArchivedBy     string            `json:"archived_by"`
	ArchivedAt     time.Time         `json:"archived_at"`
	Host           string            `json:"host,omitempty"`
	RetainUntil    *time.Time        `json:"retain_until,omitempty"`
	PurgedAt       *time.Time        `json:"purged_at,omitempty"`
	Present        *bool             `json:"content_present,omitempty"` // of list and show
}

// ViewRecord returns the view of r.
func ViewRecord(r sdk.Record) RecordView {
	v := RecordView{
		Tombstone: r.Tombstone.String(), SHA256: r.Content.SHA256.String(), Size: r.Content.Size,
		CompressedSize: r.Content.StoredSize, Codec: string(r.Content.Codec),
		Repo: r.Repo, Commit: r.Commit, Reason: r.Reason, Kind: r.ContentKind, Note: r.Note,
		Tags: r.Tags, Metadata: r.Metadata, Mode: fmt.Sprintf("%04o", r.Mode), ModifiedAt: OptionalTime(r.ModTime),
		Type: string(r.Type), WorkTreeState: string(r.WorkTreeState), GitBlob: r.GitBlob, SWHID: swhid(r.GitBlob), Host: r.Host,
		ArchivedBy: r.ArchivedBy, ArchivedAt: r.ArchivedAt,
		RetainUntil: OptionalTime(r.RetainUntil), PurgedAt: OptionalTime(r.PurgedAt),
	}
	if !r.Set.IsZero() {
		v.Set = r.Set.String()
	}
	v.Path, v.PathB64 = PathText(r.Path)
	v.WorkTreePath, v.WorkTreeB64 = PathText(r.WorkTreePath)
	return v
}

// swhid returns the identifier of content that the Software Heritage archive
// uses, "" where the id is not a SHA-1: it is defined for that only.
func swhid(gitBlob string) string {
	if len(gitBlob) != 40 {
		return ""
	}
	return "swh:1:cnt:" + gitBlob
}
