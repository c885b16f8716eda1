/* A NAT for UDP in the terms of RFC 4787, or a stateful firewall, as a pure engine: the caller says
 * when a packet comes from where to where, and is told what becomes of it. No I/O, no clock; the
 * same packets at the same times with the same seed give the same results.
 *
 * - A filter belongs to a mapping: what X:x has sent to Y:y lets Y:y in through the mapping that it
 *   went out by. Where mappings are endpoint-independent that is RFC 4787 section 5 to the letter;
 *   where they are not, it is what symmetric NATs (RFC 3489 5, Linux netfilter among them) do.
 * - Mappings and filters have each their own timer of the same length; outbound packets always
 *   refresh both, inbound ones (let in) only with inbound_refresh. Dropped packets refresh nothing.
 *   An entry is gone when `timeout` has passed since its last refresh.
 * - When the table is full of live entries, a packet that needs a new one is dropped, as the result
 * says; no live mapping is ever evicted.
 * - A firewall keeps the same state with external = internal.
 * - ICMP echo goes through an own instance by using the query identifier as the port (0 remote). */
#ifndef NAT_NAT_H
#define NAT_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "nat_config.h"
#include "nsec.h"

enum nat_verdict {
    NAT_DROP,    /* silently discarded; see `reason` */
    NAT_OUT,     /* goes out, from the translated source */
    NAT_IN,      /* goes in, to the translated destination */
    NAT_HAIRPIN, /* came from inside and goes back in, both endpoints translated */
};

enum nat_reason {
    NAT_PASSED,
    NAT_NO_MAPPING,            /* the destination belongs to no live mapping */
    NAT_FILTERED_ADDRESS,      /* nothing was sent to the source's address */
    NAT_FILTERED_ADDRESS_PORT, /* nothing was sent to the source's address and port */
    NAT_HAIRPIN_OFF,           /* to an own external address, and hairpinning is off */
    NAT_UDP_BLOCKED,           /* this network passes no UDP */
    NAT_SOURCE_NOT_INSIDE,     /* the source is no address of the internal network */
    NAT_TABLE_FULL,            /* no room for a new mapping or filter */
    NAT_NO_FREE_PORT,          /* every external port of the address is taken */
};

/* What happened beside the verdict; flags of nat_result.happened. */
enum {
    NAT_MAPPING_CREATED = 1 << 0,
    NAT_MAPPING_EXPIRED = 1 << 1, /* outbound: and was made anew; inbound: so the packet is lost */
    NAT_MAPPING_REFRESHED = 1 << 2,
    NAT_FILTER_OPENED = 1 << 3,
    NAT_FILTER_EXPIRED = 1 << 4, /* outbound: and was opened anew; inbound: so the packet is lost */
    NAT_FILTER_REFRESHED = 1 << 5,
};

struct nat_result {
    enum nat_verdict verdict;
    enum nat_reason reason; /* NAT_PASSED unless dropped */
    unsigned happened;
    /* As translated. As they came if dropped, but a hairpinned packet's source, once it has a
     * mapping, is the external one that the filter judged. */
    struct endpoint from, to;
    /* The mapping concerned (of the sender, if hairpinned); unset if there is none. */
    struct endpoint internal, external;
    struct endpoint expired; /* the external endpoint of the mapping that had expired */
    /* The filter concerned: port 0 lets in any port, address 0 anyone. Unset where filtering is
     * endpoint-independent. */
    struct endpoint filter;
};

struct nat;

/* Makes a NAT of *CONFIG, which is copied. A translator needs its external addresses filled in.
 * NULL when memory is out. nat_free takes NULL too. */
struct nat *nat_new(const struct nat_config *config);
void nat_free(struct nat *nat);

/* A packet from inside (outbound) or from outside (inbound) at NOW; *RESULT is always filled. */
void nat_outbound(struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                  struct nat_result *result);
void nat_inbound(struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                 struct nat_result *result);

/* An ICMP error about a packet FROM -> TO, the endpoints as embedded in the error (RFC 5508 4).
 * Inbound, FROM is an external endpoint, and *INTERNAL is where the error goes and what FROM is
 * translated back to. Outbound, TO is an internal endpoint, and *EXTERNAL is what it was outside.
 * False when no live mapping fits: the error is dropped. No state changes (RFC 4787 REQ-12). */
bool nat_error_inbound(const struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                       struct endpoint *internal);
bool nat_error_outbound(const struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                        struct endpoint *external);

/* The live mappings at NOW. */
uint32_t nat_mapping_count(const struct nat *nat, nsec now);

/* Room for nat_result_text's longest text. */
#define NAT_RESULT_STRLEN 256

/* Tells the result in a sentence without a full stop: "mapping made, 100.64.1.2:5000 is
 * 203.0.113.10:5000 outside; filter opened towards 192.0.2.1:3544". Returns BUF. */
const char *nat_result_text(const struct nat_result *result, char buf[static NAT_RESULT_STRLEN]);

#endif
