#include "textflag.h"

// codex_start is where the kernel enters the program: see Closed. It asks with
// fcntl(1, F_GETFD) and goes on with the runtime's own entry, which finds the stack
// as the kernel left it.
TEXT codex_start(SB), NOSPLIT|NOFRAME, $0
	MOVD $25, R8
	MOVD $1, R0
	MOVD $1, R1
	SVC
	MOVD R0, ·atStart(SB)
	B    _rt0_arm64_linux(SB)
