/* Answers the CPUID instructions that without_avx512.py replaced by UD2, less AVX512, AVX-VNNI and AMX; with -DAVX also less
   AVX2, FMA and F16C (Sandy Bridge), with -DSSE also less AVX (Atom):
   cc -O2 [-DAVX|-DSSE] -shared -fPIC -o cpuid.so cpuid.c, then LD_PRELOAD. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

static void answer(int signal, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    unsigned char *at = (unsigned char *)registers[REG_RIP];
    if (at[0] != 0x0f || at[1] != 0x0b) abort();
    unsigned leaf = registers[REG_RAX], part = registers[REG_RCX], a, b, c, d;
    __cpuid_count(leaf, part, a, b, c, d);
    if (leaf == 7 && part == 0) {
        b &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31);
        c &= ~(1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14);
        d &= ~(1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);
    }
    if (leaf == 7 && part == 1) a &= ~(1u << 4 | 1u << 5);
#if defined AVX || defined SSE
    if (leaf == 1) c &= ~(1u << 12 | 1u << 29);
    if (leaf == 7 && part == 0) b &= ~(1u << 3 | 1u << 5 | 1u << 8), c &= ~(1u << 9 | 1u << 10);
    if (leaf == 7 && part == 1) a &= ~(1u << 23), d &= ~(1u << 4 | 1u << 5 | 1u << 10);
    if (leaf == 0x80000001) c &= ~(1u << 11 | 1u << 16);
#endif
#ifdef SSE
    if (leaf == 1) c &= ~(1u << 28);
#endif
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void install(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGILL, &action, 0);
}
