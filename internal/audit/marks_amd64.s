#include "textflag.h"

DATA half<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA half<>+8(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL half<>(SB), RODATA|NOPTR, $16

// BLOCK puts those of sixteen bytes that are in no set into the low bits of to.
#define BLOCK(at, to) \
	MOVOU at(SI), X0; \
	MOVO X0, X1; \
	PSRLW $4, X1; \
	PAND X5, X0; \
	PAND X5, X1; \
	MOVO X6, X2; \
	PSHUFB X0, X2; \
	MOVO X7, X3; \
	PSHUFB X1, X3; \
	PAND X3, X2; \
	PCMPEQB X4, X2; \
	PMOVMSKB X2, AX; \
	SHLQ $16, to; \
	ORQ AX, to

// func amongSixteens(text *[64]byte, m *marks) uint64
TEXT ·amongSixteens(SB), NOSPLIT, $0-24
	MOVQ  text+0(FP), SI
	MOVQ  m+8(FP), DI
	PXOR  X4, X4
	MOVOU half<>(SB), X5
	MOVOU 0(DI), X6
	MOVOU 16(DI), X7
	XORL  BX, BX
	BLOCK(48, BX)
	BLOCK(32, BX)
	BLOCK(16, BX)
	BLOCK(0, BX)
	NOTQ  BX
	MOVQ  BX, ret+16(FP)
	RET
