package plugin

import (
	"strings"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxText bounds the message of an error on the wire, in bytes: it travels in a
// trailer, which others than gRPC cut at 8 KiB.
const maxText = 4 << 10

// codeOf is the gRPC code that each kind travels as. archive.proto publishes
// it.
var codeOf = map[sdk.Kind]codes.Code{
	sdk.Internal:         codes.Internal,
	sdk.Invalid:          codes.InvalidArgument,
	sdk.NotFound:         codes.NotFound,
	sdk.Conflict:         codes.AlreadyExists,
	sdk.Purged:           codes.FailedPrecondition,
	sdk.ContentAbsent:    codes.FailedPrecondition,
	sdk.Corrupt:          codes.DataLoss,
	sdk.Unavailable:      codes.Unavailable,
	sdk.Busy:             codes.Aborted,
	sdk.Timeout:          codes.DeadlineExceeded,
	sdk.Canceled:         codes.Canceled,
	sdk.Unauthenticated:  codes.Unauthenticated,
	sdk.PermissionDenied: codes.PermissionDenied,
	sdk.NoArchive:        codes.NotFound,
	sdk.Schema:           codes.FailedPrecondition,
	sdk.Full:             codes.ResourceExhausted,
	sdk.Limit:            codes.OutOfRange,
	sdk.Refused:          codes.FailedPrecondition,
	sdk.Unsupported:      codes.Unimplemented,
	sdk.Crashed:          codes.Unavailable,
	sdk.NotStarted:       codes.Unavailable,
}

// kindOf is how a code is read that comes without detail: from gRPC itself or
// from a backend that sets only codes. Canceled is corrected where the caller has
// canceled nothing. surely: gRPC's library never makes this
// code by itself, so the backend spoke, and a failed call changed nothing.
var kindOf = map[codes.Code]struct {
	kind   sdk.Kind
	surely bool
}{
	codes.Canceled:           {sdk.Canceled, false},
	codes.Unknown:            {sdk.Internal, false},
	codes.InvalidArgument:    {sdk.Invalid, true},
	codes.DeadlineExceeded:   {sdk.Timeout, false},
	codes.NotFound:           {sdk.NotFound, true},
	codes.AlreadyExists:      {sdk.Conflict, true},
	codes.PermissionDenied:   {sdk.PermissionDenied, true},
	codes.ResourceExhausted:  {sdk.Limit, false}, // the size of a message
	codes.FailedPrecondition: {sdk.Refused, true},
	codes.Aborted:            {sdk.Busy, true},
	codes.OutOfRange:         {sdk.Limit, true},
	codes.Unimplemented:      {sdk.Unsupported, true},
	codes.Internal:           {sdk.Internal, false},
	codes.Unavailable:        {sdk.Unavailable, false},
	codes.DataLoss:           {sdk.Corrupt, true},
	codes.Unauthenticated:    {sdk.Unauthenticated, true},
}

// toStatus returns err as it travels. nil stays nil.
func (s *secrets) toStatus(err error) error {
	if err == nil {
		return nil
	}
	e := sdk.AsError(err)
	code, known := codeOf[e.Kind]
	if !known {
		code = codes.Internal
	}
	st := status.New(code, s.text(e))
	if detailed, err := st.WithDetails(s.detail(e)); err == nil {
		st = detailed
	}
	return st.Err()
}

// text returns the message of e for people, without what detail carries.
func (s *secrets) text(e *sdk.Error) string {
	text := e.Msg
	if text == "" && e.Err != nil {
		text = e.Err.Error()
	}
	return cut(s.scrub(strings.ToValidUTF8(text, "\uFFFD")))
}

// cut shortens a text to maxText.
func cut(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// brief makes a text of another backend fit for an error: it may be of any length.
func brief(text string) string { return cut(clean(text)) }

func (s *secrets) detail(e *sdk.Error) *archivepb.ErrorDetail {
	culprits := e.Tombstones[:min(len(e.Tombstones), sdk.MaxCulprits)]
	return &archivepb.ErrorDetail{
		Kind: archivepb.Kind(e.Kind), Retry: e.Retry, Effect: archivepb.Effect(e.Effect),
		Native: s.scrub(strings.ToValidUTF8(e.Native, "\uFFFD")), Tombstones: fromIDs(culprits),
		Op: s.scrub(strings.ToValidUTF8(e.Op, "\uFFFD")),
	}
}

// resetText begins what gRPC says where the other side's clock was the first to
// see a deadline pass.
const resetText = "stream terminated by RST_STREAM"

// fromStatus reads what toStatus, gRPC or another backend wrote. detailed says
// that the error carried a detail, so that nothing about it was guessed.
func fromStatus(err error) (e *sdk.Error, detailed bool) {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if detail, ok := d.(*archivepb.ErrorDetail); ok && detail.GetKind() > 0 {
			return fromDetail(st.Message(), detail), true
		}
	}
	read, known := kindOf[st.Code()]
	if !known {
		read.kind = sdk.Internal
	}
	e = &sdk.Error{Kind: read.kind, Msg: brief(st.Message()), Retry: read.kind.Temporary()}
	if read.kind == sdk.Timeout && strings.HasPrefix(e.Msg, resetText) {
		e.Msg = timeOver
	}
	return e, false
}

func fromDetail(message string, d *archivepb.ErrorDetail) *sdk.Error {
	e := &sdk.Error{
		Kind: sdk.Kind(d.GetKind()), Op: brief(d.GetOp()), Msg: brief(message), Retry: d.GetRetry(),
		Effect: knownEffect(d.GetEffect()), Native: brief(d.GetNative()),
	}
	culprits := d.GetTombstones()
	if culprits, err := toIDs("tombstone", culprits[:min(len(culprits), sdk.MaxCulprits)]); err == nil {
		e.Tombstones = culprits
	}
	return e
}

// knownEffect returns an effect, and EffectMaybe for one of a later version.
func knownEffect(e archivepb.Effect) sdk.Effect {
	if _, known := archivepb.Effect_name[int32(e)]; !known {
		return sdk.EffectMaybe
	}
	return sdk.Effect(e)
}

// effectOf returns the effect of an error without detail: none where the
// backend surely spoke, else what the caller fears.
func effectOf(err error, fear sdk.Effect) sdk.Effect {
	if kindOf[status.Code(err)].surely {
		return sdk.EffectNone
	}
	return fear
}
