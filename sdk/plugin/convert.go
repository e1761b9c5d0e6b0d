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

func toID(what string, b []byte) (id sdk.ID, err error) {
	if len(b) != len(id) {
		return id, sdk.Errorf(sdk.Invalid, "%s has %d bytes, a UUID has %d", what, len(b), len(id))
	}
	return sdk.ID(b), nil
}

func toIDs(what string, from [][]byte) ([]sdk.ID, error) {
	if len(from) == 0 {
		return nil, nil
	}
	ids := make([]sdk.ID, len(from))
	for i, b := range from {
		id, err := toID(what, b)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

func fromIDs(ids []sdk.ID) [][]byte {
	out := make([][]byte, len(ids))
	for i := range ids {
		out[i] = ids[i][:]
	}
	return out
}

func toDigest(b []byte) (d sdk.Digest, err error) {
	if len(b) != len(d) {
		return d, sdk.Errorf(sdk.Invalid, "digest has %d bytes, a SHA-256 has %d", len(b), len(d))
	}
	return sdk.Digest(b), nil
}

// optionalID and optionalDigest read what may be absent.
func optionalID(what string, b []byte) (sdk.ID, error) {
	if len(b) == 0 {
		return sdk.ID{}, nil
	}
	return toID(what, b)
}

func optionalDigest(b []byte) (sdk.Digest, error) {
	if len(b) == 0 {
		return sdk.Digest{}, nil
	}
	return toDigest(b)
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

func toDigests(from [][]byte) ([]sdk.Digest, error) {
	if len(from) == 0 {
		return nil, nil
	}
	digests := make([]sdk.Digest, len(from))
	for i, b := range from {
		d, err := toDigest(b)
		if err != nil {
			return nil, err
		}
		digests[i] = d
	}
	return digests, nil
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

func toContent(m *archivepb.Content) (sdk.Content, error) {
	digest, err := toDigest(m.GetSha256())
	if err != nil {
		return sdk.Content{}, err
	}
	stored, err := optionalDigest(m.GetStoredSha256())
	return sdk.Content{
		SHA256: digest, Size: m.GetSize(), Codec: sdk.Codec(m.GetCodec()),
		StoredSize: m.GetStoredSize(), CRC32C: m.GetCrc32C(), StoredSHA256: stored,
	}, err
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
	tombstone, err := toID("tombstone", m.GetTombstone())
	if err != nil {
		return sdk.Record{}, err
	}
	event, err := toID("event", m.GetEvent())
	if err != nil {
		return sdk.Record{}, err
	}
	content, err := toContent(m.GetContent())
	if err != nil {
		return sdk.Record{}, err
	}
	digest, err := optionalDigest(m.GetDigest())
	if err != nil {
		return sdk.Record{}, err
	}
	set, err := optionalID("set", m.GetSet())
	if err != nil {
		return sdk.Record{}, err
	}
	return sdk.Record{
		Tombstone: tombstone, Event: event, Content: content,
		Repo: m.GetRepo(), Path: string(m.GetPath()), WorkTreePath: string(m.GetWorkTreePath()),
		Commit: m.GetCommit(), Reason: m.GetReason(), ContentKind: m.GetContentKind(), Note: m.GetNote(),
		Tags: m.GetTags(), Metadata: m.GetMetadata(), Mode: m.GetMode(), ModTime: fromMicros(m.ModTime),
		ArchivedBy: m.GetArchivedBy(), ArchivedAt: fromMicros(m.ArchivedAt),
		RetainUntil: fromMicros(m.RetainUntil), PurgedAt: fromMicros(m.PurgedAt),
		Digest: digest, RetainAtStore: fromMicros(m.RetainAtStore), Set: set, Type: sdk.FileType(m.GetType()),
		GitBlob: m.GetGitBlob(), WorkTreeState: sdk.WorkTreeState(m.GetWorkTreeState()), Host: m.GetHost(),
	}, nil
}

func fromEvent(e *sdk.Event) *archivepb.Event {
	return &archivepb.Event{
		Id: e.ID[:], Tombstone: e.Tombstone[:], Action: string(e.Action), Actor: e.Actor, At: micros(e.At),
		Case: e.Case, RetainUntil: micros(e.RetainUntil), Detail: e.Detail, Host: e.Host,
	}
}

func toEvent(m *archivepb.Event) (sdk.Event, error) {
	id, err := toID("event", m.GetId())
	if err != nil {
		return sdk.Event{}, err
	}
	tombstone, err := toID("tombstone", m.GetTombstone())
	if err != nil {
		return sdk.Event{}, err
	}
	return sdk.Event{
		ID: id, Tombstone: tombstone, Action: sdk.Action(m.GetAction()), Actor: m.GetActor(), At: fromMicros(m.At),
		Case: m.GetCase(), RetainUntil: fromMicros(m.RetainUntil), Detail: m.GetDetail(), Host: m.GetHost(),
	}, nil
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
	tombstone, err := toID("tombstone", m.GetTombstone())
	if err != nil {
		return sdk.PutResult{}, err
	}
	content, err := toContent(m.GetContent())
	return sdk.PutResult{
		Tombstone: tombstone, Content: content, Deduplicated: m.GetDeduplicated(), Repeated: m.GetRepeated(), Repaired: m.GetRepaired(),
	}, err
}

func fromQuery(q *sdk.Query) *archivepb.ListRequest {
	return &archivepb.ListRequest{
		Tombstones: fromIDs(q.Tombstones), Prefix: q.Prefix, Events: fromIDs(q.Events), Repo: q.Repo, Path: []byte(q.Path),
		Since: micros(q.Since), Until: micros(q.Until), Actor: q.Actor, Reason: q.Reason, Tag: q.Tag,
		Limit: uint32(max(q.Limit, 0)), WithEvents: q.WithEvents, WithHolds: q.WithHolds,
		Set: fromOptionalID(q.Set), Sha256: fromOptionalDigest(q.SHA256), Commit: q.Commit, Name: []byte(q.Name), Match: []byte(q.Match),
	}
}

func toQuery(m *archivepb.ListRequest) (sdk.Query, error) {
	tombstones, err := toIDs("tombstone", m.GetTombstones())
	if err != nil {
		return sdk.Query{}, err
	}
	events, err := toIDs("event", m.GetEvents())
	if err != nil {
		return sdk.Query{}, err
	}
	set, err := optionalID("set", m.GetSet())
	if err != nil {
		return sdk.Query{}, err
	}
	sha256, err := optionalDigest(m.GetSha256())
	return sdk.Query{
		Tombstones: tombstones, Prefix: m.GetPrefix(), Events: events, Repo: m.GetRepo(), Path: string(m.GetPath()),
		Since: fromMicros(m.Since), Until: fromMicros(m.Until), Actor: m.GetActor(), Reason: m.GetReason(), Tag: m.GetTag(),
		Limit: int(m.GetLimit()), WithEvents: m.GetWithEvents(), WithHolds: m.GetWithHolds(),
		Set: set, SHA256: sha256, Commit: m.GetCommit(), Name: string(m.GetName()), Match: string(m.GetMatch()),
	}, err
}

func fromPurge(p *sdk.Purge) *archivepb.PurgeRequest {
	m := &archivepb.PurgeRequest{Actor: p.Actor, At: micros(p.At), DryRun: p.DryRun, Host: p.Host}
	for i := range p.Items {
		m.Items = append(m.Items, &archivepb.PurgeItem{Tombstone: p.Items[i].Tombstone[:], Event: p.Items[i].Event[:]})
	}
	return m
}

func toPurge(m *archivepb.PurgeRequest) (sdk.Purge, error) {
	p := sdk.Purge{Actor: m.GetActor(), At: fromMicros(m.At), DryRun: m.GetDryRun(), Host: m.GetHost()}
	for _, item := range m.GetItems() {
		tombstone, err := toID("tombstone", item.GetTombstone())
		if err != nil {
			return p, err
		}
		event, err := toID("event", item.GetEvent())
		if err != nil {
			return p, err
		}
		p.Items = append(p.Items, sdk.PurgeItem{Tombstone: tombstone, Event: event})
	}
	return p, nil
}

func fromVerdict(v *sdk.Verdict) *archivepb.Verdict {
	return &archivepb.Verdict{Tombstone: v.Tombstone[:], Outcome: strings.ToValidUTF8(string(v.Outcome), "?"), Why: strings.ToValidUTF8(v.Why, "?"), Freed: v.Freed}
}

func toVerdict(m *archivepb.Verdict) (sdk.Verdict, error) {
	tombstone, err := toID("tombstone", m.GetTombstone())
	if err == nil && m.GetFreed() < 0 {
		err = sdk.Errorf(sdk.Invalid, "it freed fewer than no bytes")
	}
	return sdk.Verdict{Tombstone: tombstone, Outcome: sdk.Outcome(m.GetOutcome()), Why: m.GetWhy(), Freed: m.GetFreed()}, err
}

// toVerdicts reads the answer to a Purge: one for each item, in order.
func toVerdicts(from []*archivepb.Verdict, items []sdk.PurgeItem) ([]sdk.Verdict, error) {
	if len(from) != len(items) {
		return nil, sdk.Errorf(sdk.Internal, "it answered for %d records of %d", len(from), len(items))
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
		Clock: micros(h.Clock), Writable: h.Writable, Live: h.Live, Unmeasured: strings.ToValidUTF8(h.Unmeasured, "?"),
		Durable: h.Durable, NotDurable: strings.ToValidUTF8(h.NotDurable, "?"), LastVerified: micros(h.LastVerified),
	}
}

func toHealth(m *archivepb.HealthReply) (sdk.Health, error) {
	archive, err := toID("archive", m.GetArchive())
	if err == nil && (m.GetLive() < 0 || m.GetRetrievable() < 0) {
		err = sdk.Errorf(sdk.Invalid, "it counts fewer than no records")
	}
	return sdk.Health{
		Server: m.GetServer(), Archive: archive, Schema: int(m.GetSchema()), Retrievable: m.GetRetrievable(),
		Clock: fromMicros(m.Clock), Writable: m.GetWritable(), Live: m.GetLive(), Unmeasured: m.GetUnmeasured(),
		Durable: m.GetDurable(), NotDurable: m.GetNotDurable(), LastVerified: fromMicros(m.LastVerified),
	}, err
}
