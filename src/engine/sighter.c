#include "sighter.h"

#include <stdlib.h>
#include <string.h>

#include "recent.h"
#include "recognize.h"

enum {
    FLOW_WORDS = 3,
    ADDRESS_WORDS = 4,
    /* The note of a flow. */
    BUBBLE_UP = 1, /* a direct bubble from the lower endpoint to the higher */
    BUBBLE_DOWN = 2,
    BUBBLE_BOTH = BUBBLE_UP | BUBBLE_DOWN,
    PAIRS =
        1024, /* of addresses seen just now, whose clients and servers are known to be counted */
};

struct pair {
    struct in6_addr source, destination;
};

struct sighter {
    struct recent *flows;
    struct recent *clients; /* NULL without a summary */
    struct recent *servers;
    struct pair *pairs;
    struct sighting_summary summary;
};

struct sighter *sighter_new(const struct sighter_config *config)
{
    struct sighter *s = calloc(1, sizeof *s);
    size_t bound = config->flows;

    if (s == NULL)
        return NULL;
    s->flows = recent_new(FLOW_WORDS, bound > 0 ? bound : SIGHTER_FLOWS, config->seed);
    if (config->summary) {
        s->clients = recent_new(ADDRESS_WORDS, bound > 0 ? bound : SIGHTER_CLIENTS, config->seed);
        s->servers = recent_new(1, bound > 0 ? bound : SIGHTER_SERVERS, config->seed);
        s->pairs = calloc(PAIRS, sizeof *s->pairs);
    }
    if (s->flows == NULL ||
        (config->summary && (s->clients == NULL || s->servers == NULL || s->pairs == NULL))) {
        sighter_free(s);
        return NULL;
    }
    return s;
}

/* The same key for both directions; true if FROM is the lower endpoint. */
static bool flow_key(struct endpoint from, struct endpoint to, uint32_t key[static FLOW_WORDS])
{
    bool up = from.address != to.address ? from.address < to.address : from.port < to.port;
    struct endpoint low = up ? from : to, high = up ? to : from;

    key[0] = low.address;
    key[1] = high.address;
    key[2] = (uint32_t)low.port << 16 | high.port;
    return up;
}

static void count_server(struct sighter *s, uint32_t address)
{
    recent_add(s->servers, &address);
}

static void count_address(struct sighter *s, const struct in6_addr *address)
{
    struct teredo_addr teredo;
    uint32_t key[ADDRESS_WORDS];

    if (!teredo_addr_decode(address, &teredo))
        return;
    memcpy(key, address, sizeof key);
    recent_add(s->clients, key);
    count_server(s, teredo.server);
}

/* Clients and servers by the addresses of the packet. Nearly every packet's were counted a moment
 * ago, and one look at a small table then spares four at large ones. */
static void count_pair(struct sighter *s, const struct ip6_header *ip6)
{
    uint64_t words[4];
    struct pair *pair;

    memcpy(words, &ip6->source, 16);
    memcpy(words + 2, &ip6->destination, 16);
    words[0] =
        (words[0] ^ words[1] * 3 ^ words[2] * 5 ^ words[3] * 7) * UINT64_C(0x9e3779b97f4a7c15);
    pair = &s->pairs[words[0] >> 32 & (PAIRS - 1)];
    if (ip6_equal(&pair->source, &ip6->source) && ip6_equal(&pair->destination, &ip6->destination))
        return;
    count_address(s, &ip6->source);
    count_address(s, &ip6->destination);
    pair->source = ip6->source;
    pair->destination = ip6->destination;
}

/* A bubble that goes from peer to peer: neither by way of the server that the destination names,
 * nor to all nodes of a link (5.2.8). */
static bool is_direct_bubble(const struct sighting *s)
{
    struct teredo_addr to;

    if (s->extent < TEREDO_KIND || s->packet.kind != TEREDO_BUBBLE || s->packet.has_origin)
        return false;
    if (!teredo_addr_decode(&s->packet.ip6.destination, &to))
        return ip6_is_link_local(&s->packet.ip6.destination);
    return (s->udp.to.address != to.server && s->udp.from.address != to.server);
}

static void count_bubble(struct sighting_summary *sum, uint32_t *note, uint32_t direction)
{
    if ((*note & BUBBLE_BOTH) == 0)
        sum->unanswered++;
    else if (((*note | direction) & BUBBLE_BOTH) == BUBBLE_BOTH &&
             (*note & BUBBLE_BOTH) != BUBBLE_BOTH) {
        sum->unanswered--;
        sum->punches++;
    }
    *note |= direction;
}

static bool note_problem(struct sighting *s, const struct wire_fault *fault)
{
    if (fault->reason == WIRE_OK)
        return false;
    s->problems[s->problem_count++] = *fault;
    return true;
}

static void add_problem(struct sighter *sighter, struct sighting *s, const struct wire_fault *fault)
{
    if (note_problem(s, fault))
        sighter->summary.reasons[fault->reason]++;
}

static void count(struct sighter *sighter, const struct sighting *s, uint32_t *note, bool up)
{
    struct sighting_summary *sum = &sighter->summary;

    if (sum->packets++ == 0)
        sum->first = sum->last = s->when;
    sum->first = nsec_min(sum->first, s->when);
    sum->last = nsec_max(sum->last, s->when);
    if (s->extent >= TEREDO_KIND)
        sum->kinds[s->packet.kind]++;
    else
        sum->unknown++;
    if (is_direct_bubble(s))
        count_bubble(sum, note, up ? BUBBLE_UP : BUBBLE_DOWN);
    if (sighter->clients == NULL || s->extent < TEREDO_HEADER)
        return;
    count_pair(sighter, &s->packet.ip6);
    if (s->extent == TEREDO_WHOLE && s->packet.kind == TEREDO_RS)
        count_server(sighter, s->udp.to.address);
    if (s->extent == TEREDO_WHOLE && s->packet.kind == TEREDO_RA)
        count_server(sighter, s->udp.from.address);
}

/* The payload of S->udp; FAULT says what is wrong with it. */
static void take_apart(struct sighting *s, const struct wire_fault *outer, struct wire_fault *fault)
{
    s->outside = SIGHTING_CAPTURED;
    /* What the header claims, unless it lies. */
    s->size = outer->reason == WIRE_UDP_LENGTH ? s->udp.payload_size
                                               : s->udp.length - (size_t)UDP_HEADER_SIZE;
    s->extent = teredo_decode_part(s->udp.payload, s->udp.payload_size, s->size, &s->packet, fault);
}

bool sighter_look(struct sighter *sighter, struct sighting *s, const struct wire_fault *outer)
{
    struct wire_fault fault;
    uint32_t key[FLOW_WORDS], *note;
    bool up;

    sighter->summary.datagrams++;
    if (!recognize_start(s->udp.payload, s->udp.payload_size) && recent_added(sighter->flows) == 0)
        return false;
    take_apart(s, outer, &fault);
    s->certain = recognize_packet(&s->packet, s->extent, fault.reason, s->udp.from, s->udp.to);
    up = flow_key(s->udp.from, s->udp.to, key);
    note = s->certain ? recent_add(sighter->flows, key) : recent_find(sighter->flows, key);
    if (note == NULL)
        return false;
    s->problem_count = 0;
    add_problem(sighter, s, outer);
    add_problem(sighter, s, &fault);
    count(sighter, s, note, up);
    return true;
}

void sighter_count_frame(struct sighter *sighter)
{
    sighter->summary.frames++;
}

void sighter_count_fault(struct sighter *sighter, enum wire_reason reason)
{
    sighter->summary.reasons[reason]++;
}

void sighter_restart(struct sighter *sighter)
{
    sighter->summary = (struct sighting_summary){0};
}

uint64_t sighter_packets(const struct sighter *sighter)
{
    return sighter->summary.packets;
}

void sighter_summary(const struct sighter *sighter, struct sighting_summary *out)
{
    *out = sighter->summary;
    out->flows = recent_added(sighter->flows);
    out->forgotten = recent_forgotten(sighter->flows);
    if (sighter->clients == NULL)
        return;
    out->clients = recent_added(sighter->clients);
    out->servers = recent_added(sighter->servers);
    out->forgotten += recent_forgotten(sighter->clients) + recent_forgotten(sighter->servers);
}

void sighter_free(struct sighter *sighter)
{
    if (sighter == NULL)
        return;
    recent_free(sighter->flows);
    recent_free(sighter->clients);
    recent_free(sighter->servers);
    free(sighter->pairs);
    free(sighter);
}

bool sighter_decode_payload(const uint8_t *data, size_t size, struct sighting *s)
{
    struct wire_fault fault;

    *s = (struct sighting){.size = size, .udp = {.payload = data, .payload_size = size}};
    s->extent = teredo_decode_part(data, size, size, &s->packet, &fault);
    s->certain = s->extent == TEREDO_WHOLE;
    note_problem(s, &fault);
    return s->certain;
}

bool sighter_decode_datagram(const uint8_t *data, size_t size, struct sighting *s)
{
    struct wire_fault outer, fault;

    *s = (struct sighting){0};
    if (!udp4_dissect(data, size, &s->udp, &outer))
        return false;
    take_apart(s, &outer, &fault);
    s->certain = s->extent == TEREDO_WHOLE;
    note_problem(s, &outer);
    note_problem(s, &fault);
    return true;
}
