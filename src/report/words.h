/* How times, addresses and durations are written, the same in all reporters. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <netinet/in.h>

#include "endpoint.h"
#include "nsec.h"

/* Room for "2026-11-23T23:42:37.123456789Z". */
#define RFC3339_STRLEN 32

/* A time of the timeline in RFC 3339, UTC, with nanoseconds; returns BUF. */
const char *words_time(nsec when, char buf[static RFC3339_STRLEN]);

/* An IPv6 address in RFC 5952's form; returns BUF. */
const char *words_ip6(const struct in6_addr *address, char buf[static INET6_ADDRSTRLEN]);

/* A duration in milliseconds. */
static inline double words_ms(nsec t)
{
    return (double)t / 1e6;
}

#endif
