#include "qualify.h"

#include <string.h>

#include "qualify_judge.h"
#include "ra_check.h"

/* Once the round-trip time is known from one address, the other is waited for this long. */
#define KNOWN_RTT_WAIT(rtt) (2 * (rtt) + 50 * NSEC_MS)

/* The interval after attempt N while no round trip is known: doubling, so that all of them together
 * fill the timeout. */
static nsec blind_interval(const struct qualify *q, unsigned attempt)
{
    return q->config.timeout * ((nsec)1 << attempt) / (((nsec)1 << q->config.attempts) - 1);
}

static nsec end_of_patience(const struct qualify *q)
{
    return q->started + q->config.timeout;
}

static void solicit(struct qualify *q, unsigned index, nsec now)
{
    struct qualify_exchange *exchange = &q->exchanges[index];
    unsigned attempt = exchange->attempts++;
    struct teredo_packet p;
    struct rs_room room;
    const struct qualify_exchange *other = &q->exchanges[1 - index];

    nonce_take(&q->config.nonces, exchange->nonces[attempt], TEREDO_NONCE_SIZE);
    rs_make(&p, &q->source, exchange->nonces[attempt], &q->config.identity, &room);
    exchange->next_send = exchange->give_up = NSEC_NEVER;
    if (exchange->attempts < q->config.attempts)
        exchange->next_send = now + blind_interval(q, attempt);
    else
        /* The timeout is the user's patience: all of it while something is missing. */
        exchange->give_up =
            nsec_max(now + (other->replied ? KNOWN_RTT_WAIT(other->rtt) : 0), end_of_patience(q));
    outbox_send_packet(q->out,
                       (struct send_request){.tag = index * QUALIFY_MAX_ATTEMPTS + attempt,
                                             .to = exchange->server},
                       &p);
}

static bool is_own_refusal(const struct qualify_exchange *x)
{
    return x->failed && (x->refusal == REFUSAL_NO_ROUTE || x->refusal == REFUSAL_SEND_REFUSED);
}

/* What an address shows of itself, once its solicitations have had their time. */
static uint32_t evidence_of_exchange(const struct qualify_exchange *x, bool is_primary)
{
    if (x->replied)
        return is_primary ? QUALIFY_EVIDENCE(PRIMARY_ANSWER) : QUALIFY_EVIDENCE(SECONDARY_ANSWER);
    if (is_own_refusal(x))
        return is_primary ? QUALIFY_EVIDENCE(OWN_REFUSAL)
                          : QUALIFY_EVIDENCE(OWN_REFUSAL_OF_SECONDARY);
    if (x->failed && !x->hinted)
        return is_primary ? QUALIFY_EVIDENCE(PRIMARY_REFUSAL) : QUALIFY_EVIDENCE(SECONDARY_REFUSAL);
    if (x->hinted)
        return is_primary ? QUALIFY_EVIDENCE(PRIMARY_HINT) : QUALIFY_EVIDENCE(SECONDARY_HINT);
    if (x->sent > 0 && !x->rejected)
        return is_primary ? QUALIFY_EVIDENCE(PRIMARY_SILENCE) : QUALIFY_EVIDENCE(SECONDARY_SILENCE);
    return 0;
}

static void gather_evidence(struct qualify *q)
{
    const struct qualify_exchange *primary = &q->exchanges[0], *secondary = &q->exchanges[1];
    struct qualification *r = &q->result;

    r->evidence |= evidence_of_exchange(primary, true) | evidence_of_exchange(secondary, false);
    if (primary->replied && secondary->replied)
        r->evidence |= endpoint_equal(r->mapped, r->mapped_secondary)
                           ? QUALIFY_EVIDENCE(SAME_MAPPING)
                           : QUALIFY_EVIDENCE(DIFFERENT_MAPPINGS);
    if (primary->replied && endpoint_equal(r->mapped, q->config.local))
        r->evidence |= QUALIFY_EVIDENCE(LOCAL_MAPPING);
    if (q->config.local_secondary != 0 && q->config.local_secondary != q->config.local.address)
        r->evidence |= QUALIFY_EVIDENCE(TWO_LOCAL_ADDRESSES);
    if (q->config.identity.client_id != NULL)
        r->evidence |= QUALIFY_EVIDENCE(KEY_SHOWN);
    if (primary->sent + secondary->sent == 0 && primary->unsent + secondary->unsent > 0)
        r->evidence |= QUALIFY_EVIDENCE(NOTHING_SENT);
}

/* Time is up for whatever has not answered. */
static void conclude(struct qualify *q, nsec now)
{
    const struct qualify_exchange *primary = &q->exchanges[0];
    struct qualification *r = &q->result;

    gather_evidence(q);
    qualify_judge(r, primary->refusal);
    if (r->reason == QUALIFY_REFUSAL(primary->refusal) && (primary->failed || primary->hinted)) {
        r->has_icmp = !is_own_refusal(primary);
        r->icmp = primary->icmp;
        r->errnum = primary->errnum;
    }
    r->elapsed = now - q->started;
    q->done = true;
    outbox_emit(q->out,
                &(struct event){.kind = EVENT_QUALIFICATION, .when = now, .qualification = *r});
    outbox_done(q->out);
}

static bool exchange_settled(const struct qualify_exchange *exchange, nsec now)
{
    return exchange->replied || exchange->failed ||
           (exchange->next_send == NSEC_NEVER && now >= exchange->give_up);
}

static void conclude_if_settled(struct qualify *q, nsec now)
{
    if (q->done)
        return;
    /* A primary that is not there is an answer already: whatever the secondary says, a client
     * cannot use this server. */
    if ((q->exchanges[0].failed && !q->exchanges[1].replied) ||
        (exchange_settled(&q->exchanges[0], now) && exchange_settled(&q->exchanges[1], now)))
        conclude(q, now);
}

static void on_timer(struct qualify *q, nsec now)
{
    if (q->started == 0)
        q->started = now;
    for (unsigned i = 0; i < QUALIFY_SERVERS; i++) {
        struct qualify_exchange *exchange = &q->exchanges[i];

        if (!exchange->replied && !exchange->failed && now >= exchange->doubted_until)
            exchange->failed = true; /* nothing valid has outranked the error */
        if (!exchange->replied && !exchange->failed &&
            (exchange->attempts == 0 || now >= exchange->next_send))
            solicit(q, i, now);
    }
    conclude_if_settled(q, now);
}

static void on_sent(struct qualify *q, const struct observation *o)
{
    unsigned exchange = o->tag / QUALIFY_MAX_ATTEMPTS, attempt = o->tag % QUALIFY_MAX_ATTEMPTS;

    if (exchange >= QUALIFY_SERVERS || attempt >= q->exchanges[exchange].attempts)
        return;
    q->exchanges[exchange].sent_at[attempt] = o->when;
    q->exchanges[exchange].sent++;
    q->result.solicitations++;
}

/* Only what comes from a solicited endpoint, or is an advertisement, is a reply to be judged; the
 * rest on this port has nothing to do with the qualification. */
static bool is_reply(const struct qualify *q, const struct observation *o)
{
    for (int i = 0; i < QUALIFY_SERVERS; i++)
        if (endpoint_equal(o->from, q->exchanges[i].server))
            return o->packet == NULL || o->packet->kind == TEREDO_RA || o->packet->has_auth;
    return o->packet != NULL && o->packet->kind == TEREDO_RA;
}

/* The address that a reply answers: by its nonce, else by where it came from. */
static unsigned find_exchange(const struct qualify *q, const struct observation *o)
{
    if (o->packet != NULL && o->packet->has_auth)
        for (unsigned i = 0; i < QUALIFY_SERVERS; i++)
            for (unsigned n = 0; n < q->exchanges[i].attempts; n++)
                if (memcmp(o->packet->auth.nonce, q->exchanges[i].nonces[n], TEREDO_NONCE_SIZE) ==
                    0)
                    return i;
    return endpoint_equal(o->from, q->exchanges[1].server) ? 1 : 0;
}

/* RFC 4380 5.2.1: prefix from the advertisement, the rest from the origin indication. */
static void build_address(struct qualify *q, const struct icmp6_message *ra, struct endpoint mapped)
{
    struct teredo_addr a;

    if (!teredo_addr_decode(&ra->ra.prefix.prefix, &a))
        return;
    a.flags = q->config.flags;
    a.mapped = mapped;
    teredo_addr_encode(&a, &q->result.teredo_address);
    q->result.has_address = true;
    q->result.prefix = ra->ra.prefix.prefix;
    q->result.mtu = ra->ra.mtu;
}

static void accept_reply(struct qualify *q, const struct observation *o, unsigned index,
                         unsigned attempt)
{
    struct qualify_exchange *exchange = &q->exchanges[index], *other = &q->exchanges[1 - index];
    nsec now = o->when;

    q->result.advertisements++;
    if (exchange->replied)
        return; /* a duplicate, or the answer to a retransmission */
    if (attempt > 0)
        q->result.evidence |= QUALIFY_EVIDENCE(LOSS);
    exchange->replied = true;
    exchange->mapped = o->packet->origin;
    exchange->lost = attempt;
    exchange->rtt = exchange->sent_at[attempt] != 0 ? now - exchange->sent_at[attempt] : 0;
    if (index == 0) {
        q->result.mapped = exchange->mapped;
        q->result.rtt = exchange->rtt;
    } else {
        q->result.mapped_secondary = exchange->mapped;
        if (!other->replied)
            q->result.rtt = exchange->rtt;
    }
    if (index == 0 || !other->replied)
        build_address(q, &o->packet->icmp6, exchange->mapped);
    /* The other address need not be waited for blindly any more. */
    if (!other->replied && other->next_send != NSEC_NEVER)
        other->next_send = nsec_min(other->next_send, now + KNOWN_RTT_WAIT(exchange->rtt) / 2);
}

/* What a rejected answer shows all the same. */
static void note_rejected(struct qualify *q, const struct observation *o, unsigned index,
                          const enum rule_state rules[static RULE_COUNT])
{
    uint32_t evidence = QUALIFY_EVIDENCE(REJECTED_ANSWER);

    q->exchanges[index].rejected |=
        rules[RULE_NONCE] == RULE_OK || rules[RULE_SOURCE_ENDPOINT] == RULE_OK;
    if (rules[RULE_NONCE] != RULE_OK) {
        if (o->packet != NULL && !o->packet->has_auth && rules[RULE_SOURCE_ENDPOINT] == RULE_OK)
            evidence |= QUALIFY_EVIDENCE(ANSWER_WITHOUT_AUTHENTICATION);
        q->result.evidence |= evidence;
        return;
    }
    evidence |= QUALIFY_EVIDENCE(ANSWER_WITH_NONCE);
    if (endpoint_equal(o->from, q->exchanges[1 - index].server)) {
        evidence |= QUALIFY_EVIDENCE(CROSSED_ANSWER);
    } else if (rules[RULE_SOURCE_ENDPOINT] == RULE_FAILED) {
        evidence |= QUALIFY_EVIDENCE(ANSWER_ELSEWHERE);
        q->result.answered_from = o->from;
    }
    if (rules[RULE_CONFIRMATION] == RULE_FAILED)
        evidence |= QUALIFY_EVIDENCE(KEY_REFUSED);
    if (rules[RULE_ORIGIN_PRESENT] == RULE_FAILED)
        evidence |= QUALIFY_EVIDENCE(ANSWER_WITHOUT_ORIGIN);
    if (rules[RULE_ORIGIN_GLOBAL] == RULE_FAILED)
        evidence |= QUALIFY_EVIDENCE(PRIVATE_ORIGIN);
    q->result.evidence |= evidence;
}

static void on_received(struct qualify *q, const struct observation *o)
{
    unsigned index = find_exchange(q, o), attempt = 0;
    const struct qualify_exchange *exchange = &q->exchanges[index];
    struct ra_request request = {
        .asked = exchange->server,
        .server = q->config.server.address,
        .other_server = exchange->server.address,
        .nonces = exchange->nonces,
        .nonce_count = exchange->attempts,
        .source = q->source,
        .secret = q->config.identity.client_id == NULL ? NULL : q->config.identity.secret,
        .secret_size = q->config.identity.secret_size,
        .allow_private = q->config.allow_private,
    };
    enum rule_state rules[RULE_COUNT];
    enum ra_rule broken;

    if (!is_reply(q, o))
        return;
    broken = ra_check(&request, o, rules, &attempt);
    if (broken != RULE_COUNT) {
        outbox_emit(q->out, &(struct event){.kind = EVENT_REJECTED,
                                            .when = o->when,
                                            .rejected = {broken, o->from, o->fault}});
        q->result.rejected[broken]++;
        note_rejected(q, o, index, rules);
        if (q->result.advertisements == 0)
            memcpy(q->result.rules, rules, sizeof rules);
        return;
    }
    memcpy(q->result.rules, rules, sizeof rules);
    accept_reply(q, o, index, attempt);
    conclude_if_settled(q, o->when);
}

/* How long a valid answer has where an error came that may be forged. */
static nsec round_trip_bound(const struct qualify *q, unsigned index)
{
    const struct qualify_exchange *other = &q->exchanges[1 - index];

    return other->replied ? KNOWN_RTT_WAIT(other->rtt) : REFUSAL_BOUND;
}

static void take_refusal(struct qualify *q, const struct observation *o, enum refusal refusal,
                         enum refusal_weight weight)
{
    for (unsigned i = 0; i < QUALIFY_SERVERS; i++) {
        struct qualify_exchange *exchange = &q->exchanges[i];

        if (!endpoint_equal(o->to, exchange->server) || exchange->replied || exchange->failed)
            continue;
        exchange->refusal = refusal;
        exchange->icmp = o->icmp;
        exchange->errnum = o->errnum;
        if (weight != REFUSAL_IS_FINAL) {
            exchange->hinted = true;
            q->result.has_icmp = true;
            q->result.icmp = o->icmp;
            if (weight == REFUSAL_IS_DOUBTED)
                exchange->doubted_until =
                    nsec_min(exchange->doubted_until, o->when + round_trip_bound(q, i));
            continue;
        }
        exchange->failed = true;
        exchange->hinted = false;
        exchange->next_send = NSEC_NEVER;
    }
    conclude_if_settled(q, o->when);
}

/* A packet for which the system had no room is lost, no more: the next is on its way. */
static void on_send_failed(struct qualify *q, const struct observation *o)
{
    if (!send_failure_is_passing(o->errnum))
        take_refusal(q, o, refusal_of_errno(o->errnum), REFUSAL_IS_FINAL);
    else if (o->tag < QUALIFY_TAGS)
        q->exchanges[o->tag / QUALIFY_MAX_ATTEMPTS].unsent++;
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct qualify *q = (struct qualify *)engine;

    if (q->done)
        return;
    q->out = out;
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(q, o->when);
        break;
    case OBSERVED_SENT:
        on_sent(q, o);
        break;
    case OBSERVED_RECEIVED:
        on_received(q, o);
        break;
    case OBSERVED_ICMP_ERROR:
        if (refusal_weigh(o) != REFUSAL_IS_NONE)
            take_refusal(q, o, refusal_of_icmp(o->icmp, o->from.address, o->to.address),
                         refusal_weigh(o));
        break;
    case OBSERVED_SEND_FAILED:
        on_send_failed(q, o);
        break;
    case OBSERVED_STOP:
        if (q->started == 0)
            q->started = o->when;
        q->result.evidence |= QUALIFY_EVIDENCE(INTERRUPTED);
        conclude(q, o->when);
        break;
    case OBSERVED_SEEN: /* of captures, which this engine is not fed from */
        break;
    }
}

static nsec deadline(const struct engine *engine)
{
    const struct qualify *q = (const struct qualify *)engine;
    nsec when = NSEC_NEVER;

    if (q->done)
        return NSEC_NEVER;
    for (int i = 0; i < QUALIFY_SERVERS; i++) {
        const struct qualify_exchange *exchange = &q->exchanges[i];

        if (!exchange->replied && !exchange->failed)
            when = nsec_min(when, nsec_min(nsec_min(exchange->next_send, exchange->give_up),
                                           exchange->doubted_until));
    }
    return when;
}

/* Blindly until the timeout; once one address has answered, as long as the other has. */
static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct qualify *q = (const struct qualify *)engine;
    const struct qualify_exchange *silent = &q->exchanges[q->exchanges[0].replied ? 1 : 0];
    const struct qualify_exchange *other = &q->exchanges[q->exchanges[0].replied ? 0 : 1];
    bool blind = !other->replied;

    *out = (struct waiting){
        .what = q->started == 0 || q->done ? WAITING_FOR_NOTHING : WAITING_FOR_SERVER,
        .whom = silent->server,
        .try = silent->attempts,
        .tries = q->config.attempts,
        .since = q->started,
        .until = blind ? q->started + q->config.timeout : silent->give_up,
    };
}

void qualify_init(struct qualify *q, const struct qualify_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};

    *q = (struct qualify){.engine = {&ops}, .config = *config};
    if (q->config.attempts > QUALIFY_MAX_ATTEMPTS)
        q->config.attempts = QUALIFY_MAX_ATTEMPTS;
    if (q->config.attempts == 0)
        q->config.attempts = 1;
    q->source = teredo_rs_source;
    q->exchanges[0].server = config->server;
    q->exchanges[1].server = config->secondary;
    for (int i = 0; i < QUALIFY_SERVERS; i++)
        q->exchanges[i].next_send = q->exchanges[i].give_up = q->exchanges[i].doubted_until =
            NSEC_NEVER;
    q->result.server = config->server;
    q->result.secondary = config->secondary;
    q->result.local = config->local;
}
