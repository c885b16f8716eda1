#include "teredo_flows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lru_set.h"
#include "recognize.h"

enum {
    FLOW_WORDS = 3,
    ADDRESS_WORDS = 4,
    /* The note of a flow. */
    BUBBLE_UP = 1, /* a direct bubble from the lower endpoint to the higher */
    BUBBLE_DOWN = 2,
    BUBBLE_BOTH = BUBBLE_UP | BUBBLE_DOWN,
    DATA_UP = 4, /* likewise, data */
    DATA_DOWN = 8,
    DATA_BOTH = DATA_UP | DATA_DOWN,
    PAIRS =
        1024, /* of addresses seen just now, whose clients and servers are known to be counted */
};

struct pair {
    struct in6_addr source, destination;
};

struct teredo_flows {
    struct lru_set *flows;
    struct lru_set *clients; /* NULL without a summary */
    struct lru_set *servers;
    struct pair *pairs;
    struct flows_summary summary;
};

struct teredo_flows *teredo_flows_new(const struct teredo_flows_config *config)
{
    struct teredo_flows *s = calloc(1, sizeof *s);
    size_t bound = config->flows;

    if (s == NULL)
        return NULL;
    s->flows = lru_set_new(FLOW_WORDS, bound > 0 ? bound : TEREDO_FLOWS_MAX, config->seed);
    if (config->summary) {
        s->clients =
            lru_set_new(ADDRESS_WORDS, bound > 0 ? bound : TEREDO_FLOWS_CLIENTS, config->seed);
        s->servers = lru_set_new(1, bound > 0 ? bound : TEREDO_FLOWS_SERVERS, config->seed);
        s->pairs = calloc(PAIRS, sizeof *s->pairs);
    }
    if (s->flows == NULL ||
        (config->summary && (s->clients == NULL || s->servers == NULL || s->pairs == NULL))) {
        teredo_flows_free(s);
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

static void count_server(struct teredo_flows *s, uint32_t address)
{
    lru_set_add(s->servers, &address);
}

static void count_address(struct teredo_flows *s, const struct in6_addr *address)
{
    struct teredo_addr teredo;
    uint32_t key[ADDRESS_WORDS];

    if (!teredo_addr_decode(address, &teredo))
        return;
    memcpy(key, address, sizeof key);
    lru_set_add(s->clients, key);
    count_server(s, teredo.server);
}

/* Clients and servers by the addresses of the packet. Nearly every packet's were counted a moment
 * ago, and one look at a small table then spares four at large ones. */
static void count_pair(struct teredo_flows *s, const struct ip6_header *ip6)
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
static bool is_direct_bubble(const struct captured_packet *s)
{
    struct teredo_addr to;

    if (s->extent < TEREDO_KIND || s->packet.kind != TEREDO_BUBBLE || s->packet.has_origin)
        return false;
    if (!teredo_addr_decode(&s->packet.ip6.destination, &to))
        return ip6_is_link_local(&s->packet.ip6.destination);
    return (s->udp.to.address != to.server && s->udp.from.address != to.server);
}

/* What a flow with direct bubbles comes to. Where data goes both ways, the one bubble was answered
 * by it: who has sent no bubble (a relay, RFC 4380 5.4) trusts who has. */
enum outcome {
    NO_BUBBLE,
    UNANSWERED,
    ANSWERED_BY_DATA,
    ANSWERED
};

static enum outcome outcome_of(uint32_t note)
{
    if ((note & BUBBLE_BOTH) == 0)
        return NO_BUBBLE;
    if ((note & BUBBLE_BOTH) == BUBBLE_BOTH)
        return ANSWERED;
    return (note & DATA_BOTH) == DATA_BOTH ? ANSWERED_BY_DATA : UNANSWERED;
}

static void count_outcome(struct flows_summary *sum, enum outcome outcome, uint64_t one)
{
    if (outcome == UNANSWERED)
        sum->unanswered += one;
    if (outcome == ANSWERED_BY_DATA)
        sum->answered_by_data += one;
    if (outcome == ANSWERED_BY_DATA || outcome == ANSWERED)
        sum->punches += one;
}

static void note_direction(struct flows_summary *sum, uint32_t *note, uint32_t direction)
{
    enum outcome before = outcome_of(*note), after;

    *note |= direction;
    after = outcome_of(*note);
    if (after != before) {
        count_outcome(sum, before, -UINT64_C(1));
        count_outcome(sum, after, 1);
    }
}

static bool is_data(const struct captured_packet *s)
{
    return s->extent >= TEREDO_KIND && s->packet.kind != TEREDO_BUBBLE &&
           s->packet.kind != TEREDO_RS && s->packet.kind != TEREDO_RA;
}

static bool note_problem(struct captured_packet *s, const struct wire_fault *fault)
{
    if (fault->reason == WIRE_OK)
        return false;
    s->problems[s->problem_count++] = *fault;
    return true;
}

static void count(struct teredo_flows *teredo_flows, const struct captured_packet *s,
                  uint32_t *note, bool up)
{
    struct flows_summary *sum = &teredo_flows->summary;

    for (unsigned i = 0; i < s->problem_count; i++)
        sum->reasons[s->problems[i].reason]++;
    sum->remarks.reassembled += s->fragments > 0;
    if (sum->packets++ == 0)
        sum->first = sum->last = s->when;
    sum->first = nsec_min(sum->first, s->when);
    sum->last = nsec_max(sum->last, s->when);
    if (s->extent >= TEREDO_KIND)
        sum->kinds[s->packet.kind]++;
    else
        sum->unknown++;
    if (is_direct_bubble(s))
        note_direction(sum, note, up ? BUBBLE_UP : BUBBLE_DOWN);
    else if (is_data(s))
        note_direction(sum, note, up ? DATA_UP : DATA_DOWN);
    if (teredo_flows->clients == NULL || s->extent < TEREDO_HEADER)
        return;
    count_pair(teredo_flows, &s->packet.ip6);
    if (s->extent == TEREDO_WHOLE && s->packet.kind == TEREDO_RS)
        count_server(teredo_flows, s->udp.to.address);
    if (s->extent == TEREDO_WHOLE && s->packet.kind == TEREDO_RA)
        count_server(teredo_flows, s->udp.from.address);
}

/* The payload of S->udp; FAULT says what is wrong with it. */
static void take_apart(struct captured_packet *s, const struct wire_fault *outer,
                       struct wire_fault *fault)
{
    s->outside = CAPTURED_PACKET_CAPTURED;
    /* What the header claims, unless it lies. */
    s->size = outer->reason == WIRE_UDP_LENGTH ? s->udp.payload_size
                                               : s->udp.length - (size_t)UDP_HEADER_SIZE;
    s->extent = teredo_decode_part(s->udp.payload, s->udp.payload_size, s->size, &s->packet, fault);
}

/* What the packet is not known to be. */
static void count_stranger(struct teredo_flows *teredo_flows, struct captured_packet *s,
                           enum wire_reason reason)
{
    bool server = s->udp.from.port == TEREDO_PORT || s->udp.to.port == TEREDO_PORT;

    if (s->missing > 0 && s->udp.truncated && recognize_is_too_short(&s->packet, s->extent, reason))
        teredo_flows_count_cut(teredo_flows, s);
    else if (server && s->extent >= TEREDO_HEADER && reason != WIRE_IP6_PAYLOAD_LENGTH)
        teredo_flows->summary.remarks.without_address++;
}

bool teredo_flows_look(struct teredo_flows *teredo_flows, struct packet_copies *copies,
                       struct captured_packet *s, const struct wire_fault *outer)
{
    struct wire_fault fault;
    uint32_t key[FLOW_WORDS], *note;
    bool up;

    teredo_flows->summary.datagrams++;
    if (!recognize_start(s->udp.payload, s->udp.payload_size) &&
        lru_set_added(teredo_flows->flows) == 0 && (s->missing == 0 || s->udp.payload_size >= 2))
        return false;
    take_apart(s, outer, &fault);
    s->certain = recognize_packet(&s->packet, s->extent, fault.reason, s->udp.from, s->udp.to);
    up = flow_key(s->udp.from, s->udp.to, key);
    note =
        s->certain ? lru_set_add(teredo_flows->flows, key) : lru_set_find(teredo_flows->flows, key);
    if (note == NULL) {
        count_stranger(teredo_flows, s, fault.reason);
        return false;
    }
    s->problem_count = 0;
    note_problem(s, outer);
    note_problem(s, &fault);
    s->copy = copies != NULL && packet_copies_add(copies, s, s->steady);
    if (s->copy)
        teredo_flows->summary.remarks.copies++;
    else
        count(teredo_flows, s, note, up);
    return true;
}

void teredo_flows_move(struct captured_packet *s, const uint8_t *payload)
{
    struct wire_fault fault;

    s->udp.payload = payload;
    teredo_decode_part(payload, s->udp.payload_size, s->size, &s->packet, &fault);
}

void teredo_flows_count_frame(struct teredo_flows *teredo_flows)
{
    teredo_flows->summary.frames++;
}

void teredo_flows_count_fault(struct teredo_flows *teredo_flows, enum wire_reason reason)
{
    teredo_flows->summary.reasons[reason]++;
}

void teredo_flows_count_fragments(struct teredo_flows *teredo_flows, unsigned lost, bool refused)
{
    teredo_flows->summary.reasons[refused ? WIRE_IP4_FRAGMENT_OVERLAP : WIRE_IP4_FRAGMENT] += lost;
}

void teredo_flows_count_cut(struct teredo_flows *teredo_flows, struct captured_packet *s)
{
    struct capture_remarks *r = &teredo_flows->summary.remarks;
    size_t size = s->captured;

    if (s->too_short)
        return;
    s->too_short = true;
    if (r->cut++ == 0)
        r->cut_least = r->cut_most = size;
    if (size < r->cut_least)
        r->cut_least = size;
    if (size > r->cut_most)
        r->cut_most = size;
}

void teredo_flows_count_unread(struct teredo_flows *teredo_flows, const char *name)
{
    struct capture_remarks *r = &teredo_flows->summary.remarks;
    unsigned i = 0;

    while (i < r->unread_count && strcmp(r->unread[i].name, name) != 0)
        i++;
    if (i == CAPTURE_REMARKS_LINKS) {
        i--;
        name = "others";
    }
    if (i == r->unread_count || strcmp(name, "others") == 0)
        snprintf(r->unread[i].name, sizeof r->unread[i].name, "%s", name);
    if (i == r->unread_count)
        r->unread_count++;
    r->unread[i].frames++;
}

static bool is_of(const struct clock_step *step, const char *file)
{
    return file == NULL || step->file == NULL ? step->file == file : strcmp(step->file, file) == 0;
}

void teredo_flows_note_step(struct teredo_flows *teredo_flows, const struct clock_step *step)
{
    struct capture_remarks *r = &teredo_flows->summary.remarks;
    unsigned i = 0;

    while (i < r->step_count && !is_of(&r->steps[i], step->file))
        i++;
    if (i == CAPTURE_REMARKS_STEPS)
        i--;
    if (i == r->step_count) {
        r->steps[i] = *step;
        r->steps[i].count = 0;
        r->steps[i].file = step->file == NULL ? NULL : strdup(step->file);
        r->step_count++;
    } else if (step->frame < r->steps[i].frame && is_of(&r->steps[i], step->file)) {
        r->steps[i].kind = step->kind;
        r->steps[i].frame = step->frame;
        r->steps[i].by = step->by;
    }
    r->steps[i].count++;
}

static void forget_steps(struct teredo_flows *teredo_flows)
{
    struct capture_remarks *r = &teredo_flows->summary.remarks;

    while (r->step_count > 0)
        free((char *)r->steps[--r->step_count].file);
}

void teredo_flows_restart(struct teredo_flows *teredo_flows)
{
    forget_steps(teredo_flows);
    teredo_flows->summary = (struct flows_summary){0};
}

uint64_t teredo_flows_packets(const struct teredo_flows *teredo_flows)
{
    return teredo_flows->summary.packets;
}

void teredo_flows_summary(const struct teredo_flows *teredo_flows, struct flows_summary *out)
{
    *out = teredo_flows->summary;
    out->flows = lru_set_added(teredo_flows->flows);
    out->forgotten = lru_set_forgotten(teredo_flows->flows);
    if (teredo_flows->clients == NULL)
        return;
    out->clients = lru_set_added(teredo_flows->clients);
    out->servers = lru_set_added(teredo_flows->servers);
    out->forgotten +=
        lru_set_forgotten(teredo_flows->clients) + lru_set_forgotten(teredo_flows->servers);
}

void teredo_flows_free(struct teredo_flows *teredo_flows)
{
    if (teredo_flows == NULL)
        return;
    forget_steps(teredo_flows);
    lru_set_free(teredo_flows->flows);
    lru_set_free(teredo_flows->clients);
    lru_set_free(teredo_flows->servers);
    free(teredo_flows->pairs);
    free(teredo_flows);
}

bool teredo_flows_decode_payload(const uint8_t *data, size_t size, struct captured_packet *s)
{
    struct wire_fault fault;

    *s = (struct captured_packet){.size = size, .udp = {.payload = data, .payload_size = size}};
    s->extent = teredo_decode_part(data, size, size, &s->packet, &fault);
    s->certain = s->extent == TEREDO_WHOLE;
    note_problem(s, &fault);
    return s->certain;
}

bool teredo_flows_decode_datagram(const uint8_t *data, size_t size, struct captured_packet *s)
{
    struct wire_fault outer, fault;

    *s = (struct captured_packet){0};
    if (!udp4_dissect(data, size, &s->udp, &outer))
        return false;
    take_apart(s, &outer, &fault);
    s->certain = s->extent == TEREDO_WHOLE;
    note_problem(s, &outer);
    note_problem(s, &fault);
    return true;
}
