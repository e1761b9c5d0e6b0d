package plugin

import (
	"io"

	"google.golang.org/grpc/grpclog"
)

// SilenceGRPC drops what gRPC itself logs on standard error when variables named
// GRPC_GO_LOG_… ask for it: standard error of a host holds its own log lines. It
// must be called before anything else of this package.
func SilenceGRPC() {
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
}
