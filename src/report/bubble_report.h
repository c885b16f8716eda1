/* What `teredoctl bubble` sent, and what came back. */
#ifndef REPORT_BUBBLE_REPORT_H
#define REPORT_BUBBLE_REPORT_H

#include "captured_packet.h"
#include "observation.h"
#include "punching.h"
#include "report.h"

enum bubble_aim {
    BUBBLE_DIRECT,   /* the peer's mapped endpoint */
    BUBBLE_INDIRECT, /* the peer's server */
    BUBBLE_GIVEN,    /* an endpoint that was named */
};

struct bubble_packet {
    unsigned long number; /* from 1 */
    enum bubble_aim aim;
    const uint8_t *ip4; /* the whole IPv4 packet; borrowed */
    size_t ip4_size;
    struct captured_packet captured_packet; /* what it says, and when it was sent */
    int errnum;                             /* 0, or why it was not sent */
};

struct bubble_reply {
    struct captured_packet captured_packet;
    enum punch_proof proof;
    unsigned long answered; /* number of the packet; 0 = none was sent yet */
    nsec delay;             /* since that one */
};

struct bubble_icmp {
    nsec when;
    struct endpoint to; /* of the packet that was lost */
    struct icmp_error error;
};

enum bubble_verdict {
    BUBBLE_SENT,       /* and no answer was waited for */
    BUBBLE_ANSWERED,   /* by something that is believed */
    BUBBLE_UNANSWERED, /* in all the time waited */
    BUBBLE_INTERRUPTED,
    BUBBLE_NOT_SENT, /* the system refused a packet */
    BUBBLE_SHOWN,    /* --dry-run */
    BUBBLE_WRITTEN,  /* --write */
};

struct bubble_summary {
    enum bubble_verdict verdict;
    const char *via; /* "udp_socket", "raw_socket"; NULL where nothing was sent */
    unsigned long sent, failed, replies, answers, icmp_errors;
    nsec first_delay; /* of the first answer */
    nsec wait;
};

struct bubble_report_config {
    enum report_format format;
    FILE *out; /* results */
    FILE *err; /* the log of `verbose` */
    bool quiet;
    bool verbose; /* the fields of every packet on err */
    bool dump;    /* hex and fields of every packet on out: --dry-run */
};

struct bubble_report;

/* NULL if memory is out. */
struct bubble_report *bubble_report_new(const struct bubble_report_config *config);

void bubble_report_packet(struct bubble_report *r, const struct bubble_packet *p);
void bubble_report_reply(struct bubble_report *r, const struct bubble_reply *reply);
void bubble_report_icmp(struct bubble_report *r, const struct bubble_icmp *icmp);
void bubble_report_summary(struct bubble_report *r, const struct bubble_summary *s);

/* Flushes and frees. -1 and ERROR filled (74) if results were lost. */
int bubble_report_close(struct bubble_report *r, struct error *error);

/* "direct", "indirect", "given". */
const char *bubble_aim_code(enum bubble_aim aim);
/* "sent", "answered", … */
const char *bubble_verdict_code(enum bubble_verdict verdict);

#endif
