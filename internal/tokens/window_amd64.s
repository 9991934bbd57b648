#include "textflag.h"

// Bytes of a class are those that, moved so that the class begins at -128, are less than its end: one addition, one comparison.
#define SIXTEEN(name, value) \
	DATA name<>+0(SB)/8, $value \
	DATA name<>+8(SB)/8, $value \
	GLOBL name<>(SB), RODATA|NOPTR, $16

SIXTEEN(fold, 0x2020202020202020)       // a capital to its small letter
SIXTEEN(fromLetter, 0x1f1f1f1f1f1f1f1f) // -128 - 'a'
SIXTEEN(toLetter, 0x9a9a9a9a9a9a9a9a)   // -128 + 26
SIXTEEN(fromDigit, 0x5050505050505050)  // -128 - '0'
SIXTEEN(toDigit, 0x8a8a8a8a8a8a8a8a)    // -128 + 10
SIXTEEN(fromBreak, 0x7777777777777777)  // -128 - '\t'
SIXTEEN(toBreak, 0x8585858585858585)    // -128 + 5
SIXTEEN(lineFeed, 0x0a0a0a0a0a0a0a0a)
SIXTEEN(return, 0x0d0d0d0d0d0d0d0d)
SIXTEEN(blank, 0x2020202020202020)
SIXTEEN(apostrophe, 0x2727272727272727)

// RANGE puts the mask of X0's (or X1's) bytes into the low bits of to.
#define RANGE(bytes, from, end, to) \
	MOVO bytes, X2; \
	PADDB from, X2; \
	MOVO end, X3; \
	PCMPGTB X2, X3; \
	PMOVMSKB X3, AX; \
	SHLQ $16, to; \
	ORQ AX, to

#define EQUAL(value, to) \
	MOVO value, X2; \
	PCMPEQB X0, X2; \
	PMOVMSKB X2, AX; \
	SHLQ $16, to; \
	ORQ AX, to

#define BLOCK(at) \
	MOVOU at(SI), X0; \
	MOVO X0, X1; \
	POR X4, X1; \
	RANGE(X1, X5, X6, R8); \
	RANGE(X0, X7, X8, R9); \
	RANGE(X0, X9, X10, R10); \
	EQUAL(X13, R11); \
	EQUAL(X14, R12); \
	MOVO X0, X2; \
	PCMPEQB X11, X2; \
	MOVO X0, X3; \
	PCMPEQB X12, X3; \
	POR X3, X2; \
	PMOVMSKB X2, AX; \
	SHLQ $16, R13; \
	ORQ AX, R13; \
	PMOVMSKB X0, AX; \
	SHLQ $16, BX; \
	ORQ AX, BX; \
	PSLLW $2, X0; \
	PMOVMSKB X0, AX; \
	SHLQ $16, CX; \
	ORQ AX, CX

// func classify(text *[windowSize]byte, to *masks)
TEXT ·classify(SB), NOSPLIT, $0-16
	MOVQ text+0(FP), SI
	MOVQ to+8(FP), DI
	MOVOU fold<>(SB), X4
	MOVOU fromLetter<>(SB), X5
	MOVOU toLetter<>(SB), X6
	MOVOU fromDigit<>(SB), X7
	MOVOU toDigit<>(SB), X8
	MOVOU fromBreak<>(SB), X9
	MOVOU toBreak<>(SB), X10
	MOVOU lineFeed<>(SB), X11
	MOVOU return<>(SB), X12
	MOVOU blank<>(SB), X13
	MOVOU apostrophe<>(SB), X14
	BLOCK(48)
	BLOCK(32)
	BLOCK(16)
	BLOCK(0)
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	MOVQ R11, 24(DI)
	MOVQ R12, 32(DI)
	MOVQ R13, 40(DI)
	MOVQ BX, 48(DI)
	MOVQ CX, 56(DI)
	RET
