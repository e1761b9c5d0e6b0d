package plugin

import (
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
)

// The functions of this file turn the types of package sdk into messages and
// back. Towards the wire they cannot fail, because what goes out was validated;
// from the wire they fail with kind Invalid.

func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

func fromMicros(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return time.UnixMicro(*us).UTC()
}

// decoder reads values of fixed length and keeps the first error.
type decoder struct{ err error }

func (d *decoder) fixed(what string, b []byte, into []byte) {
	if len(b) == len(into) {
		copy(into, b)
	} else if d.err == nil {
		d.err = sdk.Errorf(sdk.Invalid, "%s has length %d instead of %d", what, len(b), len(into))
	}
}

func (d *decoder) id(what string, b []byte) (id sdk.ID) {
	d.fixed(what, b, id[:])
	return id
}

func (d *decoder) digest(what string, b []byte) (digest sdk.Digest) {
	d.fixed(what, b, digest[:])
	return digest
}

// optionalID and optionalDigest read what may be absent.
func (d *decoder) optionalID(what string, b []byte) sdk.ID {
	if len(b) == 0 {
		return sdk.ID{}
	}
	return d.id(what, b)
}

func (d *decoder) optionalDigest(what string, b []byte) sdk.Digest {
	if len(b) == 0 {
		return sdk.Digest{}
	}
	return d.digest(what, b)
}

func toIDs(what string, from [][]byte) ([]sdk.ID, error) {
	if len(from) == 0 {
		return nil, nil
	}
	var d decoder
	ids := make([]sdk.ID, len(from))
	for i, b := range from {
		ids[i] = d.id(what, b)
	}
	return ids, d.err
}

func fromIDs(ids []sdk.ID) [][]byte {
	out := make([][]byte, len(ids))
	for i := range ids {
		out[i] = ids[i][:]
	}
	return out
}

func toDigests(from [][]byte) ([]sdk.Digest, error) {
	if len(from) == 0 {
		return nil, nil
	}
	var d decoder
	digests := make([]sdk.Digest, len(from))
	for i, b := range from {
		digests[i] = d.digest("SHA-256", b)
	}
	return digests, d.err
}

func fromOptionalID(id sdk.ID) []byte {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

func fromOptionalDigest(d sdk.Digest) []byte {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

func fromDigests(digests []sdk.Digest) [][]byte {
	out := make([][]byte, len(digests))
	for i := range digests {
		out[i] = digests[i][:]
	}
	return out
}

func fromContent(c *sdk.Content) *archivepb.Content {
	return &archivepb.Content{
		Sha256: c.SHA256[:], Size: c.Size, Codec: strings.ToValidUTF8(string(c.Codec), "?"), StoredSize: c.StoredSize, Crc32C: c.CRC32C,
		StoredSha256: fromOptionalDigest(c.StoredSHA256),
	}
}

func (d *decoder) content(m *archivepb.Content) sdk.Content {
	return sdk.Content{
		SHA256: d.digest("SHA-256", m.GetSha256()), Size: m.GetSize(), Codec: sdk.Codec(m.GetCodec()),
		StoredSize: m.GetStoredSize(), CRC32C: m.GetCrc32C(), StoredSHA256: d.optionalDigest("SHA-256 of the body", m.GetStoredSha256()),
	}
}

// RecordToProto returns the message of r. Nothing is lost: [RecordFromProto]
// returns an equal record. The message shares memory with r.
func RecordToProto(r *sdk.Record) *archivepb.Record {
	return &archivepb.Record{
		Tombstone: r.Tombstone[:], Event: r.Event[:], Content: fromContent(&r.Content),
		Repo: r.Repo, Path: []byte(r.Path), WorkTreePath: []byte(r.WorkTreePath),
		Commit: r.Commit, Reason: r.Reason, ContentKind: r.ContentKind, Note: r.Note, Tags: r.Tags, Metadata: r.Metadata,
		Mode: r.Mode, ModTime: micros(r.ModTime), ArchivedBy: r.ArchivedBy, ArchivedAt: micros(r.ArchivedAt),
		RetainUntil: micros(r.RetainUntil), PurgedAt: micros(r.PurgedAt),
		Digest: fromOptionalDigest(r.Digest), RetainAtStore: micros(r.RetainAtStore), Set: fromOptionalID(r.Set), Type: string(r.Type),
		GitBlob: r.GitBlob, WorkTreeState: string(r.WorkTreeState), Host: r.Host,
	}
}

// RecordFromProto reads a message. It fails with kind [sdk.Invalid] where an id or
// a digest has a wrong length; the rest is for [sdk.Record.Validate] to check.
func RecordFromProto(m *archivepb.Record) (sdk.Record, error) {
	if m == nil {
		m = &archivepb.Record{} // which lacks a tombstone
	}
	var d decoder
	r := sdk.Record{
		Tombstone: d.id("tombstone", m.GetTombstone()), Event: d.id("event", m.GetEvent()), Content: d.content(m.GetContent()),
		Repo: m.GetRepo(), Path: string(m.GetPath()), WorkTreePath: string(m.GetWorkTreePath()),
		Commit: m.GetCommit(), Reason: m.GetReason(), ContentKind: m.GetContentKind(), Note: m.GetNote(),
		Tags: m.GetTags(), Metadata: m.GetMetadata(), Mode: m.GetMode(), ModTime: fromMicros(m.ModTime),
		ArchivedBy: m.GetArchivedBy(), ArchivedAt: fromMicros(m.ArchivedAt),
		RetainUntil: fromMicros(m.RetainUntil), PurgedAt: fromMicros(m.PurgedAt),
		Digest: d.optionalDigest("digest", m.GetDigest()), RetainAtStore: fromMicros(m.RetainAtStore),
		Set: d.optionalID("set", m.GetSet()), Type: sdk.FileType(m.GetType()),
		GitBlob: m.GetGitBlob(), WorkTreeState: sdk.WorkTreeState(m.GetWorkTreeState()), Host: m.GetHost(),
	}
	return r, d.err
}

func fromEvent(e *sdk.Event) *archivepb.Event {
	return &archivepb.Event{
		Id: e.ID[:], Tombstone: fromOptionalID(e.Tombstone), Action: string(e.Action), Actor: e.Actor, At: micros(e.At),
		Case: e.Case, RetainUntil: micros(e.RetainUntil), Detail: e.Detail, Host: e.Host, NoEffect: e.NoEffect,
	}
}

func toEvent(m *archivepb.Event) (sdk.Event, error) {
	var d decoder
	e := sdk.Event{
		ID: d.id("event", m.GetId()), Tombstone: d.optionalID("tombstone", m.GetTombstone()),
		Action: sdk.Action(m.GetAction()), Actor: m.GetActor(), At: fromMicros(m.At),
		Case: m.GetCase(), RetainUntil: fromMicros(m.RetainUntil), Detail: m.GetDetail(), Host: m.GetHost(), NoEffect: m.GetNoEffect(),
	}
	return e, d.err
}

func fromHold(h *sdk.Hold) *archivepb.Hold {
	return &archivepb.Hold{Case: h.Case, Placed: micros(h.Placed), PlacedBy: h.PlacedBy, Released: micros(h.Released)}
}

func toHold(m *archivepb.Hold) sdk.Hold {
	return sdk.Hold{Case: m.GetCase(), Placed: fromMicros(m.Placed), PlacedBy: m.GetPlacedBy(), Released: fromMicros(m.Released)}
}

func fromStored(s *sdk.PutResult) *archivepb.Stored {
	return &archivepb.Stored{
		Tombstone: s.Tombstone[:], Content: fromContent(&s.Content), Deduplicated: s.Deduplicated, Repeated: s.Repeated, Repaired: s.Repaired,
	}
}

func toStored(m *archivepb.Stored) (sdk.PutResult, error) {
	var d decoder
	r := sdk.PutResult{
		Tombstone: d.id("tombstone", m.GetTombstone()), Content: d.content(m.GetContent()),
		Deduplicated: m.GetDeduplicated(), Repeated: m.GetRepeated(), Repaired: m.GetRepaired(),
	}
	return r, d.err
}

func fromQuery(q *sdk.Query) *archivepb.ListRequest {
	return &archivepb.ListRequest{
		Tombstones: fromIDs(q.Tombstones), Prefix: q.Prefix, Events: fromIDs(q.Events), Repo: q.Repo, Path: []byte(q.Path),
		Since: micros(q.Since), Until: micros(q.Until), Actor: q.Actor, Reason: q.Reason, Tag: q.Tag,
		Limit: uint32(max(q.Limit, 0)), WithEvents: q.WithEvents, WithHolds: q.WithHolds,
		Set: fromOptionalID(q.Set), Sha256: fromOptionalDigest(q.SHA256), Commit: q.Commit, Name: []byte(q.Name), Match: []byte(q.Match),
		OfArchive: q.OfArchive,
	}
}

func toQuery(m *archivepb.ListRequest) (sdk.Query, error) {
	tombstones, err := toIDs("tombstone", m.GetTombstones())
	if err != nil {
		return sdk.Query{}, err
	}
	events, err := toIDs("event", m.GetEvents())
	d := decoder{err}
	q := sdk.Query{
		Tombstones: tombstones, Prefix: m.GetPrefix(), Events: events, Repo: m.GetRepo(), Path: string(m.GetPath()),
		Since: fromMicros(m.Since), Until: fromMicros(m.Until), Actor: m.GetActor(), Reason: m.GetReason(), Tag: m.GetTag(),
		Limit: int(m.GetLimit()), WithEvents: m.GetWithEvents(), WithHolds: m.GetWithHolds(),
		Set: d.optionalID("set", m.GetSet()), SHA256: d.optionalDigest("SHA-256", m.GetSha256()),
		Commit: m.GetCommit(), Name: string(m.GetName()), Match: string(m.GetMatch()),
		OfArchive: m.GetOfArchive(),
	}
	return q, d.err
}

func fromPurge(p *sdk.Purge) *archivepb.PurgeRequest {
	m := &archivepb.PurgeRequest{Actor: p.Actor, At: micros(p.At), DryRun: p.DryRun, Host: p.Host}
	for i := range p.Items {
		m.Items = append(m.Items, &archivepb.PurgeItem{Tombstone: p.Items[i].Tombstone[:], Event: p.Items[i].Event[:]})
	}
	return m
}

func toPurge(m *archivepb.PurgeRequest) (sdk.Purge, error) {
	var d decoder
	p := sdk.Purge{Actor: m.GetActor(), At: fromMicros(m.At), DryRun: m.GetDryRun(), Host: m.GetHost()}
	for _, item := range m.GetItems() {
		p.Items = append(p.Items, sdk.PurgeItem{Tombstone: d.id("tombstone", item.GetTombstone()), Event: d.id("event", item.GetEvent())})
	}
	return p, d.err
}

func fromVerdict(v *sdk.Verdict) *archivepb.Verdict {
	return &archivepb.Verdict{Tombstone: v.Tombstone[:], Outcome: strings.ToValidUTF8(string(v.Outcome), "?"), Why: strings.ToValidUTF8(v.Why, "?"), Freed: v.Freed}
}

func toVerdict(m *archivepb.Verdict) (sdk.Verdict, error) {
	var d decoder
	v := sdk.Verdict{
		Tombstone: d.id("tombstone", m.GetTombstone()), Outcome: sdk.Outcome(brief(m.GetOutcome())), Why: brief(m.GetWhy()), Freed: m.GetFreed(),
	}
	if d.err == nil && v.Freed < 0 {
		d.err = sdk.Errorf(sdk.Invalid, "it freed fewer than no bytes")
	}
	return v, d.err
}

// toVerdicts reads the answer to a Purge: one for each item, in order.
func toVerdicts(from []*archivepb.Verdict, items []sdk.PurgeItem) ([]sdk.Verdict, error) {
	if len(from) != len(items) {
		return nil, sdk.Errorf(sdk.Internal, "it answered for %d of %d", len(from), len(items))
	}
	verdicts := make([]sdk.Verdict, len(from))
	for i, m := range from {
		v, err := toVerdict(m)
		if err == nil && v.Tombstone != items[i].Tombstone {
			err = sdk.Errorf(sdk.Internal, "its verdict on %s is about %s", items[i].Tombstone, v.Tombstone)
		}
		if err != nil {
			return nil, err
		}
		verdicts[i] = v
	}
	return verdicts, nil
}

func fromHealth(h *sdk.Health) *archivepb.HealthReply {
	return &archivepb.HealthReply{
		Server: strings.ToValidUTF8(h.Server, "?"), Archive: h.Archive[:], Schema: int32(h.Schema), Retrievable: h.Retrievable,
		Clock: micros(h.Clock), Writable: h.Writable, Live: h.Live, Held: h.Held, Purged: h.Purged, Unmeasured: strings.ToValidUTF8(h.Unmeasured, "?"),
		Durable: h.Durable, NotDurable: strings.ToValidUTF8(h.NotDurable, "?"),
	}
}

func toHealth(m *archivepb.HealthReply) (sdk.Health, error) {
	var d decoder
	h := sdk.Health{
		Server: brief(m.GetServer()), Archive: d.id("archive", m.GetArchive()), Schema: int(m.GetSchema()),
		Live: m.GetLive(), Retrievable: m.GetRetrievable(), Unmeasured: brief(m.GetUnmeasured()),
		Held: m.GetHeld(), Purged: m.GetPurged(),
		Clock: fromMicros(m.Clock), Writable: m.GetWritable(),
		Durable: m.GetDurable(), NotDurable: brief(m.GetNotDurable()),
	}
	switch {
	case d.err != nil:
	case min(h.Live, h.Retrievable, h.Held, h.Purged) < 0:
		d.err = sdk.Errorf(sdk.Invalid, "it counts fewer than no records")
	case max(h.Retrievable, h.Held) > h.Live:
		d.err = sdk.Errorf(sdk.Invalid, "of %d live records it counts %d as retrievable and %d as held", h.Live, h.Retrievable, h.Held)
	}
	return h, d.err
}

func fromFindings(findings []sdk.Finding) []*archivepb.Finding {
	list := make([]*archivepb.Finding, len(findings))
	for i := range findings {
		f := &findings[i]
		list[i] = &archivepb.Finding{Kind: string(f.Kind), What: f.What, Rows: f.Rows, Examples: f.Examples}
	}
	return list
}

func toFindings(list []*archivepb.Finding) ([]sdk.Finding, error) {
	findings := make([]sdk.Finding, len(list))
	for i, m := range list {
		f := sdk.Finding{Kind: sdk.FindingKind(m.GetKind()), What: m.GetWhat(), Rows: m.GetRows(), Examples: m.GetExamples()}
		if f.Kind == "" || f.What == "" || f.Rows < 1 || len(f.Examples) > sdk.MaxExamples {
			return nil, sdk.Errorf(sdk.Invalid, "a finding of kind %q has %d rows and %d examples", f.Kind, f.Rows, len(f.Examples))
		}
		findings[i] = f
	}
	return findings, nil
}
