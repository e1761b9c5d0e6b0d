#include "textflag.h"

// codex_start is where the kernel enters the program: see Closed. It asks with
// fcntl(1, F_GETFD) and goes on with the runtime's own entry, which finds stack and
// registers as the kernel left them, but for those that a call of it clobbers.
TEXT codex_start(SB), NOSPLIT|NOFRAME, $0
	MOVQ $72, AX
	MOVQ $1, DI
	MOVQ $1, SI
	SYSCALL
	MOVQ AX, ·atStart(SB)
	JMP  _rt0_amd64_linux(SB)
