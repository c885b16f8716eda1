/* How times, addresses and durations are written, the same in all reporters. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <netinet/in.h>

#include "nsec.h"
#include "punching.h"

/* Room for "2026-11-23T23:42:37.123456789Z". */
#define RFC3339_STRLEN 32

/* A time of the timeline in RFC 3339, UTC, with nanoseconds; returns BUF. */
const char *words_time(nsec when, char buf[static RFC3339_STRLEN]);

/* An IPv6 address in RFC 5952's form; returns BUF. */
const char *words_ip6(const struct in6_addr *address, char buf[static INET6_ADDRSTRLEN]);

/* CODE with blanks for underscores; returns BUF, of SIZE bytes. */
const char *words_of_code(const char *code, char *buf, size_t size);

/* An ICMP error and who sent it: "port unreachable, from 192.0.2.1"; returns BUF. */
#define ICMP_STRLEN 80
const char *words_icmp(struct icmp_error icmp, char buf[static ICMP_STRLEN]);

/* How an answer was shown to be the peer's own. */
struct proof_words {
    const char *own;      /* of a bubble of ours: a sentence */
    const char *asked;    /* of a packet that `bubble` sent: a sentence */
    const char *captured; /* of a stranger's bubble, behind what it is */
    const char *label;    /* of the arrow that answers a bubble of ours */
    const char *captured_label;
};

extern const struct proof_words proof_words[];

/* A duration in milliseconds. */
static inline double words_ms(nsec t)
{
    return (double)t / 1e6;
}

#endif
