#include "textflag.h"

#define SIXTEEN(name, value) \
	DATA name<>+0(SB)/8, $value \
	DATA name<>+8(SB)/8, $value \
	GLOBL name<>(SB), RODATA|NOPTR, $16

SIXTEEN(quote, 0x2222222222222222)
SIXTEEN(backslash, 0x5c5c5c5c5c5c5c5c)
SIXTEEN(control, 0x1f1f1f1f1f1f1f1f)

// func plain(b []byte) (n int, high uint64)
TEXT ·plain(SB), NOSPLIT, $0-40
	MOVQ  b_base+0(FP), SI
	MOVQ  b_len+8(FP), CX
	MOVOU quote<>(SB), X4
	MOVOU backslash<>(SB), X5
	MOVOU control<>(SB), X6
	PXOR  X7, X7
	XORL  AX, AX
	XORL  R8, R8
	SUBQ  $16, CX

next:
	CMPQ     AX, CX
	JGT      done
	MOVOU    (SI)(AX*1), X0
	MOVO     X0, X1
	PCMPEQB  X4, X1
	MOVO     X0, X2
	PCMPEQB  X5, X2
	POR      X2, X1
	MOVO     X0, X2
	PMINUB   X6, X2
	PCMPEQB  X0, X2 // what is at most the last control character is the lesser of both
	POR      X2, X1
	PMOVMSKB X1, BX
	TESTL    BX, BX
	JNE      found
	POR      X0, X7
	ADDQ     $16, AX
	JMP      next

found:
	PMOVMSKB X0, R8
	MOVL     BX, DX // of these, the bytes ahead of what was found
	NEGL     DX
	ANDL     BX, DX
	DECL     DX
	ANDL     DX, R8
	BSFL     BX, BX
	ADDQ     BX, AX

done:
	PMOVMSKB X7, DX
	XORL     BX, BX
	ORL      DX, R8
	SETNE    BX
	SHLQ     $7, BX
	MOVQ     AX, n+24(FP)
	MOVQ     BX, high+32(FP)
	RET
