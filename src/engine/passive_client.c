#include "passive_client.h"

#include <string.h>

#include "passive_punch.h"
#include "qualify_judge.h"
#include "ra_check.h"
#include "rs_make.h"

static struct client_ask *last_ask(struct passive_client *c)
{
    return &c->asks[(c->ask_count - 1) % CLIENT_ASKS];
}

static unsigned kept_asks(const struct passive_client *c)
{
    return c->ask_count < CLIENT_ASKS ? c->ask_count : CLIENT_ASKS;
}

static void begin(struct passive_client *c, const struct observation *o)
{
    c->open = true;
    c->ask_count = 0;
    c->answer_cut = false;
    c->at = o->from;
    c->is_next_to = passive_is_at_sender(o);
    memset(&c->result, 0, sizeof c->result);
    c->result.captured = true;
    c->result.started = o->when;
    c->result.server = o->to;
    if (c->is_next_to)
        c->result.local = o->from;
}

/* A mapping lasts for longer than this. */
#define SAME_MAPPING (10 * NSEC_S)

/* The count of the server address AT. Of more than there is room for the last one's place is taken.
 */
static struct client_server *server_at(struct passive_client *c, struct endpoint at)
{
    struct client_server *s = c->servers;

    while (s < c->servers + c->server_count && !endpoint_equal(s->at, at))
        s++;
    if (s < c->servers + c->server_count)
        return s;
    if (c->server_count < CLIENT_SERVERS)
        c->server_count++;
    s = &c->servers[c->server_count - 1];
    *s = (struct client_server){.at = at};
    return s;
}

static void note_origin(struct passive_client *c, struct endpoint server, struct endpoint origin,
                        nsec when)
{
    struct client_server *from = server_at(c, server);

    from->answered++;
    if (endpoint_is_unset(origin))
        return;
    from->origin = origin;
    from->when = when;
    for (unsigned i = 0; i < c->server_count; i++) {
        const struct client_server *s = &c->servers[i];

        if (s != from && s->when + SAME_MAPPING >= when && !endpoint_is_unset(s->origin))
            c->maps_anew = !endpoint_equal(s->origin, origin);
    }
}

void client_count_loss(const struct passive_client *c, unsigned *answered, unsigned *missing)
{
    for (unsigned i = 0; i < c->server_count; i++) {
        const struct client_server *s = &c->servers[i];

        *answered += s->answered;
        if (s->answered > 0 && s->asked > s->answered)
            *missing += s->asked - s->answered;
    }
}

void client_solicits(struct passive_client *c, const struct observation *o)
{
    struct client_ask *ask;

    if (!c->open)
        begin(c, o);
    /* Frames of a capture are not always in the order of their times. */
    c->last = nsec_max(c->last, o->when);
    c->ask_count++;
    ask = last_ask(c);
    *ask = (struct client_ask){
        .to = o->to,
        .has_nonce = o->packet->has_auth,
        .source = o->packet->ip6.source,
        .when = o->when,
        .vantage = o->vantage,
        .from = o->from,
        .is_next_to = passive_is_at_sender(o),
    };
    if (ask->has_nonce)
        memcpy(ask->nonce, o->packet->auth.nonce, sizeof ask->nonce);
    c->result.solicitations++;
    server_at(c, o->to)->asked++;
    if (!endpoint_equal(o->to, c->result.server))
        c->result.secondary = o->to;
}

bool client_takes_copy(struct passive_client *c, const struct observation *o)
{
    for (unsigned i = 0; i < kept_asks(c); i++) {
        struct client_ask *ask = &c->asks[i];

        if (!ask->has_nonce || memcmp(ask->nonce, o->packet->auth.nonce, TEREDO_NONCE_SIZE) != 0)
            continue;
        if (ask->vantage == o->vantage && endpoint_equal(ask->from, o->from))
            return false;
        if (!ask->is_next_to && passive_is_at_sender(o) && !ask->answered) {
            ask->vantage = o->vantage;
            ask->from = o->from;
            ask->when = o->when;
            ask->is_next_to = c->is_next_to = true;
            c->at = c->result.local = o->from;
        }
        return true;
    }
    return false;
}

struct client_ask *client_find_ask(struct passive_client *c, const struct observation *o)
{
    struct client_ask *best = NULL;

    for (unsigned i = 0; i < kept_asks(c); i++) {
        struct client_ask *ask = &c->asks[i];

        if (ask->vantage != o->vantage || ask->answered || ask->has_nonce != o->packet->has_auth ||
            (ask->has_nonce && memcmp(ask->nonce, o->packet->auth.nonce, sizeof ask->nonce) != 0))
            continue;
        if (best == NULL || ask->when > best->when)
            best = ask;
    }
    return best;
}

/* Which address of the server the prefix names, in an advertisement from another one, only the
 * client can know. It is one that it has asked, or a neighbour: all servers in the field have two
 * addresses in a row. */
static bool may_be_named(const struct passive_client *c, uint32_t address)
{
    for (unsigned i = 0; i < kept_asks(c); i++)
        if (c->asks[i].to.address + 1 - address <= 2)
            return true;
    return false;
}

static uint32_t named_server(const struct passive_client *c, const struct observation *o,
                             const struct client_ask *ask)
{
    struct teredo_addr prefix;

    if (teredo_addr_decode(&o->packet->icmp6.ra.prefix.prefix, &prefix) &&
        may_be_named(c, prefix.server))
        return prefix.server;
    return ask->to.address;
}

static bool is_cone_ask(const struct client_ask *ask)
{
    return (ask->source.s6_addr[8] & 0x80) != 0;
}

/* A cone-bit solicitation is answered from the server's other address, which nobody outside of the
 * server knows (5.3.2): then its word on where it comes from has to do. */
static struct endpoint expected_source(const struct observation *o, const struct client_ask *ask)
{
    return is_cone_ask(ask) && o->from.port == ask->to.port ? o->from : ask->to;
}

static void take_prefix(struct passive_client *c, const struct icmp6_message *ra)
{
    c->result.prefix = ra->ra.prefix.prefix;
    c->result.mtu = ra->ra.mtu;
}

/* Of an advertisement that the capture has cut, as far as it is there, the rules say nothing. */
static bool is_cut(const struct teredo_packet *packet)
{
    return packet->payload_size < packet->ip6.payload_length;
}

void client_is_answered(struct passive_client *c, const struct observation *o,
                        struct client_ask *ask, struct outbox *out)
{
    uint8_t nonces[1][TEREDO_NONCE_SIZE];
    struct ra_request request = {
        .asked = expected_source(o, ask),
        .server = named_server(c, o, ask),
        .other_server = ask->to.address,
        .nonces = nonces,
        .nonce_count = 1,
        .source = ask->source,
        .allow_private = true,
    };
    enum rule_state rules[RULE_COUNT];
    unsigned attempt;
    enum ra_rule broken;

    if (is_cut(o->packet)) {
        /* Without a nonce it may be another packet of the server. */
        ask->answered = ask->has_nonce;
        c->answer_cut = true;
        c->last = nsec_max(c->last, o->when);
        return;
    }
    memcpy(nonces[0], ask->nonce, sizeof ask->nonce);
    broken = ra_check(&request, o, rules, &attempt);
    /* A client that puts no nonce into its solicitation gets none back. */
    if (!ask->has_nonce && (broken == RULE_NONCE || broken == RULE_CONFIRMATION)) {
        rules[RULE_NONCE] = rules[RULE_CONFIRMATION] = RULE_NOT_APPLICABLE;
        broken = RULE_COUNT;
        for (int i = RULE_COUNT - 1; i >= 0; i--)
            if (rules[i] == RULE_FAILED)
                broken = (enum ra_rule)i;
    }
    c->last = nsec_max(c->last, o->when);
    if (c->result.advertisements == 0)
        memcpy(c->result.rules, rules, sizeof rules);
    if (broken != RULE_COUNT) {
        outbox_emit(out, &(struct event){.kind = EVENT_REJECTED,
                                         .when = o->when,
                                         .rejected = {broken, o->from, o->fault}});
        c->result.rejected[broken]++;
        return;
    }
    ask->answered = true;
    note_origin(c, ask->to, o->packet->origin, o->when);
    c->result.advertisements++;
    if (c->result.rtt == 0)
        c->result.rtt = nsec_max(0, o->when - ask->when);
    take_prefix(c, &o->packet->icmp6);
    if (endpoint_equal(ask->to, c->result.server) && !is_cone_ask(ask))
        c->result.mapped = o->packet->origin;
    else
        c->result.mapped_secondary = o->packet->origin;
}

void client_is_refused(struct passive_client *c, const struct observation *o)
{
    if (!c->open || !refusal_is_refusal(o->icmp))
        return;
    for (unsigned i = 0; i < kept_asks(c); i++)
        if (endpoint_equal(c->asks[i].to, o->to) && !c->asks[i].answered) {
            c->result.has_icmp = true;
            c->result.icmp = o->icmp;
            c->last = nsec_max(c->last, o->when);
        }
}

bool client_is_settled(const struct passive_client *c)
{
    for (unsigned i = 0; i < kept_asks(c); i++) {
        bool answered = false;

        /* Any answer from an address settles all that was asked of it. */
        for (unsigned n = 0; n < kept_asks(c); n++)
            answered =
                answered || (c->asks[n].answered && endpoint_equal(c->asks[n].to, c->asks[i].to));
        if (!answered)
            return false;
    }
    return true;
}

/* Of both answers: what they show of the NAT, where the capture is beside the client. */
static uint32_t compare_mappings(const struct passive_client *c)
{
    const struct qualification *q = &c->result;

    if (!endpoint_equal(q->mapped, q->mapped_secondary))
        return QUALIFY_EVIDENCE(DIFFERENT_MAPPINGS);
    return QUALIFY_EVIDENCE(SAME_MAPPING) |
           (!c->is_next_to                     ? 0
            : endpoint_equal(q->mapped, c->at) ? QUALIFY_EVIDENCE(LOCAL_MAPPING)
                                               : QUALIFY_EVIDENCE(TRANSLATED));
}

static uint32_t gather_evidence(const struct passive_client *c, bool ended)
{
    const struct qualification *q = &c->result;
    bool primary = !endpoint_is_unset(q->mapped), second = !endpoint_is_unset(q->mapped_secondary);
    bool asked_both = !endpoint_is_unset(q->secondary);
    uint32_t evidence = 0;

    for (int i = 0; i < RULE_COUNT; i++)
        if (q->rejected[i] > 0)
            evidence |= QUALIFY_EVIDENCE(REJECTED_ANSWER);
    if (q->has_icmp)
        evidence |= QUALIFY_EVIDENCE(PRIMARY_REFUSAL);
    if (c->answer_cut)
        evidence |= QUALIFY_EVIDENCE(CUT_ANSWER);
    if (ended)
        evidence |= QUALIFY_EVIDENCE(CAPTURE_END);
    if (primary && second)
        evidence |= compare_mappings(c);
    if (primary)
        evidence |= QUALIFY_EVIDENCE(PRIMARY_ANSWER);
    /* With the cone bit the other address is to answer (RFC 4380 5.3.2). */
    else if (second ? asked_both && !is_cone_ask(&c->asks[0]) : evidence == 0)
        evidence |= QUALIFY_EVIDENCE(PRIMARY_SILENCE);
    if (second)
        evidence |= QUALIFY_EVIDENCE(SECONDARY_ANSWER);
    else if (primary && asked_both)
        evidence |= QUALIFY_EVIDENCE(SECONDARY_SILENCE);
    return evidence;
}

bool client_conclude(struct passive_client *c, nsec now, bool ended)
{
    struct qualification *q = &c->result;
    struct endpoint mapped;
    bool changed;

    q->evidence = gather_evidence(c, ended && now - q->started < 2 * NSEC_S);
    qualify_judge_captured(q, refusal_of_icmp(q->icmp, q->local.address, q->server.address));
    q->elapsed = c->last - q->started;
    c->open = false;
    mapped = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;
    changed = q->verdict != QUALIFY_QUALIFIED || !endpoint_equal(q->server, c->known_server) ||
              !endpoint_equal(mapped, c->known_mapped);
    c->known_server = q->server;
    c->known_mapped = mapped;
    return changed;
}
