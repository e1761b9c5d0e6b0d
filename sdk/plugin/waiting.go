package plugin

import (
	"context"
	"path"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/codex-archive/codex/sdk/archivepb"
)

// Watch returns options for [Attach] that call waiting, from another goroutine,
// when the host has waited for the backend for 5 seconds; see [Command].
func Watch(waiting func(op string)) []grpc.DialOption { return waits{waiting}.options() }

// longWait is how long the host waits for the program before it says so.
const longWait = 5 * time.Second

// waits calls tell, from another goroutine, with the name of a call that has
// waited for the program for longWait without a break. The time in which the
// program waits for the host does not count.
type waits struct{ tell func(op string) }

// begin begins a wait; end ends it.
func (w waits) begin(op string) (end func() bool) {
	return time.AfterFunc(longWait, func() { w.tell(op) }).Stop
}

// options watch the calls of a connection.
func (w waits) options() []grpc.DialOption {
	if w.tell == nil {
		return nil
	}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(w.unary), grpc.WithChainStreamInterceptor(w.stream)}
}

// opOf is the name of a call as errors say it.
func opOf(method string) string { return strings.ToLower(path.Base(method)) }

func (w waits) unary(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	defer w.begin(opOf(method))()
	return invoke(ctx, method, request, reply, cc, options...)
}

func (w waits) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, desc, cc, method, options...)
	if err != nil || !strings.HasPrefix(method, "/"+archivepb.Archive_ServiceDesc.ServiceName+"/") {
		return s, err // go-plugin's own streams are idle most of the time
	}
	return watchedStream{ClientStream: s, waits: w, op: opOf(method)}, nil
}

// watchedStream watches each message of a stream.
type watchedStream struct {
	grpc.ClientStream
	waits waits
	op    string
}

// SendMsg implements [grpc.ClientStream].
func (s watchedStream) SendMsg(m any) error {
	defer s.waits.begin(s.op)()
	return s.ClientStream.SendMsg(m)
}

// RecvMsg implements [grpc.ClientStream].
func (s watchedStream) RecvMsg(m any) error {
	defer s.waits.begin(s.op)()
	return s.ClientStream.RecvMsg(m)
}
