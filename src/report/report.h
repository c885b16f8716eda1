/* Reporters: events in, text or JSON out. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdio.h>

#include "error.h"
#include "event.h"
#include "waiting.h"

enum report_format {
    REPORT_TEXT,
    REPORT_JSON,
    REPORT_JSONL,
    REPORT_TSV,
    /* Charts of a punch: for trace, listen and lab. */
    REPORT_LADDER,
    REPORT_MERMAID,
    REPORT_SVG,
    REPORT_OPENMETRICS,
    REPORT_RECORD, /* the result as it lies in memory, for `teredoctl lab`, which is the same
                      program */
};

/* The columns of each table of tsv, with blanks between them: keys of its records, or keys joined
 * by points where one record lies in another. New ones are added at the end; none is ever moved or
 * renamed. A table whose first one is "event" has a row for every event, others for results alone.
 */
#define TSV_ADDR "verdict address kind prefix server mapped flags.value ip4 notes line zone"
#define TSV_BUBBLE                                                                        \
    "event number when from to aim kind size ipv6.source ipv6.destination proof answers " \
    "delay_s icmp.type icmp.code icmp.from verdict packets_sent packets_failed "          \
    "replies_received replies_believed icmp_errors_received of count"
#define TSV_CHECK                                                                         \
    "status cause name server rtt_s warning critical relay.state relay.sent relay.rtt_s " \
    "qualification.verdict qualification.reason qualification.mapped qualification.nat "  \
    "elapsed_s round_started"
#define TSV_CLASSIFY                                                                     \
    "verdict reachability nat rfc4380 mapping filtering port_allocation port_step "      \
    "hairpinning pooling lifetime_s.at_least lifetime_s.at_most server secondary local " \
    "mapped mapped_secondary loss rtt_s elapsed_s sent received round_started"
#define TSV_DECODE                                                                       \
    "frame when from to size kind ipv6.source ipv6.destination ipv6.hop_limit "          \
    "ipv6.next_header ipv6.payload_length ipv4.ttl origin auth.nonce trailers problems " \
    "file fragments copy"
#define TSV_SUMMARY                                                                      \
    "frames datagrams packets first last flows clients servers hole_punches "            \
    "unanswered_punches forgotten dropped kinds.bubble kinds.rs kinds.ra "               \
    "kinds.echo_request kinds.echo_reply kinds.icmp6 kinds.data kinds.unknown problems " \
    "copies reassembled without_teredo_address cut.frames"
#define TSV_LISTEN                                                                     \
    "event when teredo_address mapped activity peer endpoint offset_s verdict reason " \
    "peers bubbles_received bubbles_sent echoes mapping_changes elapsed_s of count silent_s"
#define TSV_QUALIFY                                                       \
    "verdict reason server secondary teredo_address prefix local mapped " \
    "mapped_secondary nat rtt_s elapsed_s mtu name round_started"
#define TSV_SERVE                                                                      \
    "event server secondary elapsed_s received advertised relayed echoed send_failed " \
    "dropped when address"
#define TSV_TRACE                                                                        \
    "verdict cause peer peer_mapped peer_server server local mapped teredo_address nat " \
    "proof answered_from attempts indirect_answers rtt_s elapsed_s round_started"
#define TSV_CAPTURES                                                          \
    "when verdict cause initiator.address initiator.mapped initiator.relay "  \
    "peer.address peer.mapped peer.server side proof answered_from attempts " \
    "indirect_answers rtt_s elapsed_s"

struct report_config {
    enum report_format format;
    const char *command;          /* "qualify", for the JSON */
    enum event_kind verdict;      /* what the run is about: the event that has its result */
    const char *columns;          /* of tsv: those of the command */
    bool header;                  /* of tsv: their names in front */
    const char *timestamp_source; /* "libpcap" or "so_timestampns"; NULL = not told */
    const char *server;           /* as given, for OpenMetrics */
    unsigned long round;          /* of --every, from 1; 0 = the only one */
    nsec round_started;
    FILE *out;      /* results */
    FILE *err;      /* diagnostics and progress */
    FILE *terminal; /* the same as a terminal, for the status line; NULL = there is none */
    bool quiet;     /* nothing but results */
    bool verbose;
    bool explain; /* every rule of an advertisement, passed or failed */
    bool color;
    unsigned width; /* of a ladder, in columns */
    bool ascii;     /* a ladder without line-drawing characters */
    bool watch;     /* peers as a live table; OUT must be a terminal */
    bool many;      /* json: a list of results, however many there come */
    bool whole;     /* everything is told, for it comes from a file and not from strangers now */
    bool buffered;  /* results by the million: they are flushed when reporter_flush asks for it */
    /* What strangers do, as captures show it: the names of the captures by vantage point, borrowed;
     * a count of 0 = no such thing. */
    const char *const *captures;
    unsigned capture_count;
};

struct reporter;

/* NULL if memory is out. */
struct reporter *reporter_new(const struct report_config *config);

/* Where a driver delivers events. */
struct event_sink reporter_sink(struct reporter *r);

/* True if the reporter wants reporter_tick: it has a terminal to look after. */
bool reporter_has_terminal(const struct reporter *r);

/* Some time has passed, or the terminal's size has changed: shows what is waited for on a status
 * line, or draws the live table anew. */
void reporter_tick(struct reporter *r, nsec now, const struct waiting *waiting);

/* Leaves the terminal as it was found until the next tick: something else is printed, or the
 * program is stopped. */
void reporter_hush(struct reporter *r, nsec now);

/* Shows TEXT on the status line, once nothing has been printed for a second before NOW. */
void reporter_status(struct reporter *r, nsec now, const char *text);

/* What was told so far goes out, for something else is waited for. */
void reporter_flush(struct reporter *r);

/* Says once, on the diagnostics stream, what a missing privilege costs and the like; not when
 * quiet. */
void reporter_remark(struct reporter *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether a packet of KIND, below 64, is logged: as many of a kind a second as line_limit.h lets
 * pass, and of others how many they were. */
bool reporter_logs(struct reporter *r, unsigned kind, nsec now);

/* COUNT packets are asked for, which may all be logged and told. */
void reporter_expects(struct reporter *r, unsigned count);

/* Prints what is still owed, flushes and frees. -1 and ERROR filled (74) if results were lost. */
int reporter_close(struct reporter *r, struct error *error);

#endif
