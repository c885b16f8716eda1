/* The smallest TAP producer: numbered results on stdout, a diagnosis for each failure, a plan at
 * the end. Each test program is one translation unit. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

__attribute__((format(printf, 2, 0))) static inline bool tap_result(bool good, const char *format,
                                                                    va_list args)
{
    tap_count++;
    if (!good)
        tap_failed++;
    printf("%sok %d - ", good ? "" : "not ", tap_count);
    vprintf(format, args);
    putchar('\n');
    return good;
}

__attribute__((format(printf, 2, 3))) static inline bool ok(bool good, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(good, format, args);
    va_end(args);
    return good;
}

__attribute__((format(printf, 3, 4))) static inline bool is_int(int64_t got, int64_t want,
                                                                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(got == want, format, args);
    va_end(args);
    if (got != want)
        printf("# got %" PRId64 " (0x%" PRIx64 "), want %" PRId64 " (0x%" PRIx64 ")\n", got,
               (uint64_t)got, want, (uint64_t)want);
    return got == want;
}

__attribute__((format(printf, 3, 4))) static inline bool is_str(const char *got, const char *want,
                                                                const char *format, ...)
{
    bool good = got != NULL && want != NULL ? strcmp(got, want) == 0 : got == want;
    va_list args;

    va_start(args, format);
    tap_result(good, format, args);
    va_end(args);
    if (!good)
        printf("# got  \"%s\"\n# want \"%s\"\n", got == NULL ? "(null)" : got,
               want == NULL ? "(null)" : want);
    return good;
}

__attribute__((format(printf, 4, 5))) static inline bool
is_mem(const void *got, const void *want, size_t size, const char *format, ...)
{
    bool good = size == 0 || memcmp(got, want, size) == 0;
    va_list args;

    va_start(args, format);
    tap_result(good, format, args);
    va_end(args);
    if (!good)
        for (size_t i = 0; i < size; i++)
            if (((const uint8_t *)got)[i] != ((const uint8_t *)want)[i]) {
                printf("# first difference at byte %zu: got %02x, want %02x\n", i,
                       ((const uint8_t *)got)[i], ((const uint8_t *)want)[i]);
                break;
            }
    return good;
}

/* Prints the plan; the exit status of main. A program that tested nothing has failed. */
static inline int done_testing(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed > 0 || tap_count == 0;
}

#endif
