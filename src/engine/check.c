#include "check.h"

#include <string.h>

#include "check_judge.h"
#include "odds.h"
#include "ra_check.h"

/* How long a bubble is waited for once the round trip is known. */
#define BUBBLE_WAIT(rtt) (2 * (rtt) + 300 * NSEC_MS)

static const struct qualify_exchange *exchange(const struct check *c, enum check_question which)
{
    bool primary_answers = c->qualify.exchanges[0].replied;

    return &c->qualify.exchanges[primary_answers == (which == CHECK_CONTROL) ? 0 : 1];
}

static bool has(const struct check *c, uint32_t evidence)
{
    return (c->result.evidence & evidence) != 0;
}

static bool misses_bubble(const struct check *c)
{
    return c->bubbles > 0 &&
           !has(c, CHECK_EVIDENCE(BUBBLE_RELAYED) | CHECK_EVIDENCE(RELAY_SILENCE));
}

/* One address was silent while the other answered, and not for an ICMP error. */
static bool misses_address(const struct check *c)
{
    const struct qualify_exchange *silent = exchange(c, CHECK_SILENT);

    return exchange(c, CHECK_CONTROL)->replied && !silent->replied && !silent->failed &&
           !silent->hinted && !silent->rejected && silent->sent > 0 &&
           !has(c, CHECK_EVIDENCE(SERVER_SILENCE) | CHECK_EVIDENCE(SECONDARY_SILENCE)) &&
           !(has(c, CHECK_EVIDENCE(SERVER_ANSWER)) && has(c, CHECK_EVIDENCE(SECONDARY_ANSWER)));
}

/* What is known to be answered unless it is lost: solicitations to an address that answers, and
 * bubbles where one came back. */
static struct odds_record seen(const struct check *c)
{
    struct odds_record seen = {.came = {0}};

    for (int i = 0; i < QUALIFY_SERVERS; i++)
        if (c->qualify.exchanges[i].replied) {
            seen.came[2]++;
            seen.missing[2] += c->qualify.exchanges[i].lost;
        }
    seen.came[2] += has(c, CHECK_EVIDENCE(BUBBLE_RELAYED));
    seen.missing[2] += c->bubbles_lost;
    for (unsigned i = 0; i < c->rounds; i++) {
        seen.came[2] += c->questions[CHECK_CONTROL][i].answered;
        seen.missing[2] +=
            c->questions[CHECK_CONTROL][i].sent && !c->questions[CHECK_CONTROL][i].answered;
    }
    return seen;
}

/* Whether loss does not explain that MISSES were not answered. */
static bool is_silence(struct check *c, unsigned misses)
{
    struct odds_record record = seen(c);
    unsigned missing[ODDS_MAX_LEGS + 1] = {[2] = misses};
    double odds = odds_all_lost(&record, missing);

    c->result.odds = c->result.odds < 0 || odds > c->result.odds ? odds : c->result.odds;
    return odds <= CHECK_ODDS;
}

static void weigh(struct check *c)
{
    unsigned asked = exchange(c, CHECK_SILENT)->sent;

    c->result.odds = -1;
    for (unsigned i = 0; i < c->rounds; i++)
        asked += c->questions[CHECK_SILENT][i].sent;
    if (misses_address(c) && is_silence(c, asked))
        c->result.evidence |= exchange(c, CHECK_SILENT) == &c->qualify.exchanges[0]
                                  ? CHECK_EVIDENCE(SERVER_SILENCE)
                                  : CHECK_EVIDENCE(SECONDARY_SILENCE);
    if (misses_bubble(c) && is_silence(c, c->result.relay_sent))
        c->result.evidence |= CHECK_EVIDENCE(RELAY_SILENCE);
}

static void gather_evidence(struct check *c)
{
    struct checking *r = &c->result;
    struct odds_record record = seen(c);
    double rtt = nsec_seconds(r->qualification.rtt);

    r->answered = record.came[2];
    r->asked = r->answered + record.missing[2];
    if (r->answered < r->asked)
        r->evidence |= CHECK_EVIDENCE(LOSS);
    if (r->relay == RELAY_UNTESTED && r->relay_sent > 0 && !has(c, CHECK_EVIDENCE(INTERRUPTED)))
        r->relay = has(c, CHECK_EVIDENCE(RELAY_SILENCE)) ? RELAY_SILENT : RELAY_LOST;
    if (r->qualification.rtt == 0)
        return;
    if (check_range_alerts(&r->critical, rtt))
        r->evidence |= CHECK_EVIDENCE(RTT_CRITICAL);
    if (check_range_alerts(&r->warning, rtt))
        r->evidence |= CHECK_EVIDENCE(RTT_WARNING);
}

static void conclude(struct check *c, nsec now)
{
    struct checking *r = &c->result;

    gather_evidence(c);
    check_judge(r);
    r->elapsed = now - c->started;
    c->done = true;
    outbox_emit(c->out, &(struct event){.kind = EVENT_CHECKING, .when = now, .checking = *r});
    outbox_done(c->out);
}

/* A bubble from our Teredo address to our Teredo address (RFC 4380 5.2.6, 5.3.1). The random flags
 * of the source (RFC 5991) are new each time: the server looks at the mapped endpoint alone, and
 * they tell which bubble came back. */
static void send_bubble(struct check *c)
{
    unsigned n = c->bubbles++;
    struct teredo_packet p;
    struct teredo_addr source;
    uint16_t random;

    teredo_addr_decode(&c->result.qualification.teredo_address, &source);
    nonce_take(&c->nonces, &random, sizeof random);
    source.flags = random & TEREDO_FLAGS_RANDOM;
    teredo_addr_encode(&source, &c->sources[n]);
    teredo_make_bubble(&p, &c->sources[n], &c->result.qualification.teredo_address);
    outbox_send_packet(
        c->out, (struct send_request){.tag = QUALIFY_TAGS + n, .to = c->config.qualify.server}, &p);
}

static void ask(struct check *c, enum check_question which)
{
    uint8_t *nonce = c->questions[which][c->rounds].nonce;
    struct teredo_packet p;
    struct rs_room room;

    nonce_take(&c->nonces, nonce, TEREDO_NONCE_SIZE);
    rs_make(&p, &teredo_rs_source, nonce, &c->config.qualify.identity, &room);
    outbox_send_packet(
        c->out,
        (struct send_request){.tag = QUALIFY_TAGS + (1 + which) * CHECK_ROUNDS + c->rounds,
                              .to = exchange(c, which)->server},
        &p);
}

static nsec round_time(const struct check *c)
{
    nsec rtt = c->result.qualification.rtt;

    return nsec_max(nsec_min(BUBBLE_WAIT(rtt), c->config.relay_timeout / CHECK_ROUNDS),
                    rtt + rtt / 4);
}

static void start_round(struct check *c, nsec now)
{
    bool address = misses_address(c);

    if (misses_bubble(c) && c->bubbles < CHECK_ROUNDS)
        send_bubble(c);
    if (c->rounds < CHECK_ROUNDS) {
        ask(c, CHECK_CONTROL);
        if (address)
            ask(c, CHECK_SILENT);
        c->rounds++;
    }
    c->next = nsec_min(now + round_time(c), nsec_max(now, c->end));
}

/* The next round, or the end where nothing is missing any more or nothing more can be asked. */
static void go_on(struct check *c, nsec now)
{
    if (misses_bubble(c) || misses_address(c))
        weigh(c);
    if ((misses_bubble(c) || misses_address(c)) && now < c->end && c->rounds < CHECK_ROUNDS)
        start_round(c, now);
    else
        conclude(c, now);
}

static void take_qualification(struct check *c, nsec now, const struct qualification *q)
{
    c->result.qualification = *q;
    c->result.evidence = check_evidence_of(q);
    c->qualified = true;
    c->mapped = q->mapped;
    c->end = now + c->config.relay_timeout;
    if (q->has_address && !endpoint_is_unset(q->mapped) && q->reason != QUALIFY_INTERRUPTED) {
        send_bubble(c);
        c->next = now + round_time(c);
    } else if (q->reason == QUALIFY_INTERRUPTED) {
        conclude(c, now);
    } else {
        go_on(c, now);
    }
}

static void told(struct engine *engine, const struct event *e)
{
    struct check *c = (struct check *)engine;

    outbox_emit(c->out, e);
    if (e->kind == EVENT_QUALIFICATION)
        take_qualification(c, e->when, &e->qualification);
}

/* The bubble must come from the server, as it was sent, with our mapping in its origin. */
static void take_bubble(struct check *c, const struct observation *o)
{
    const struct teredo_packet *p = o->packet;
    struct checking *r = &c->result;

    if (!endpoint_equal(o->from, c->config.qualify.server) ||
        has(c, CHECK_EVIDENCE(BUBBLE_RELAYED)) ||
        !ip6_equal(&p->ip6.destination, &r->qualification.teredo_address))
        return;
    for (unsigned i = 0; i < c->bubbles; i++) {
        if (!ip6_equal(&p->ip6.source, &c->sources[i]))
            continue;
        r->relay_rtt = c->sent_at[i] != 0 ? o->when - c->sent_at[i] : 0;
        r->evidence |= CHECK_EVIDENCE(BUBBLE_RELAYED);
        c->bubbles_lost = i;
        if (!p->has_origin)
            r->evidence |= CHECK_EVIDENCE(BUBBLE_WITHOUT_ORIGIN);
        else if (!endpoint_equal(p->origin, c->mapped))
            r->evidence |= CHECK_EVIDENCE(BUBBLE_WITH_WRONG_ORIGIN);
        r->relay = !p->has_origin                         ? RELAY_NO_ORIGIN
                   : endpoint_equal(p->origin, c->mapped) ? RELAY_WORKS
                                                          : RELAY_WRONG_ORIGIN;
        if (!misses_address(c))
            conclude(c, o->when);
        else if (c->rounds == 0)
            start_round(c, o->when);
        return;
    }
}

/* The answer to a question: one by all rules. */
static void take_advertisement(struct check *c, const struct observation *o)
{
    for (int which = 0; which < CHECK_QUESTIONS; which++)
        for (unsigned i = 0; i < c->rounds; i++) {
            const struct qualify_exchange *x = exchange(c, which);
            struct ra_request request = {
                .asked = x->server,
                .server = c->config.qualify.server.address,
                .other_server = x->server.address,
                .nonces = (const uint8_t(*)[TEREDO_NONCE_SIZE]) & c->questions[which][i].nonce,
                .nonce_count = 1,
                .source = teredo_rs_source,
                .secret = c->config.qualify.identity.client_id == NULL
                              ? NULL
                              : c->config.qualify.identity.secret,
                .secret_size = c->config.qualify.identity.secret_size,
                .allow_private = c->config.qualify.allow_private,
            };
            enum rule_state states[RULE_COUNT];
            unsigned attempt;

            if (!c->questions[which][i].sent ||
                ra_check(&request, o, states, &attempt) != RULE_COUNT)
                continue;
            c->questions[which][i].answered = true;
            if (which == CHECK_SILENT)
                /* It lives, and was not silent, but lost its answers until now. */
                c->result.evidence |= CHECK_EVIDENCE(SERVER_ANSWER) |
                                      CHECK_EVIDENCE(SECONDARY_ANSWER) | CHECK_EVIDENCE(LOSS);
        }
}

static void on_sent(struct check *c, uint32_t tag, nsec when)
{
    uint32_t n = tag - QUALIFY_TAGS, kind = n / CHECK_ROUNDS, which = n % CHECK_ROUNDS;

    if (tag < QUALIFY_TAGS)
        return;
    if (kind == 0 && which < c->bubbles) {
        c->result.relay_sent += c->sent_at[which] == 0;
        c->sent_at[which] = when;
    } else if (kind > 0 && kind <= CHECK_QUESTIONS && which < c->rounds) {
        c->questions[kind - 1][which].sent = true;
    }
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct check *c = (struct check *)engine;

    if (c->done)
        return;
    c->out = out;
    if (c->started == 0)
        c->started = o->when;
    if (!c->qualified) {
        part_observe(&c->qualifying, o, out);
        return;
    }
    switch (o->kind) {
    case OBSERVED_TIMER:
        if (o->when >= c->next)
            go_on(c, o->when);
        break;
    case OBSERVED_SENT:
        on_sent(c, o->tag, o->when);
        break;
    case OBSERVED_RECEIVED:
        if (o->packet != NULL && o->packet->kind == TEREDO_BUBBLE)
            take_bubble(c, o);
        else if (o->packet != NULL && o->packet->kind == TEREDO_RA)
            take_advertisement(c, o);
        break;
    case OBSERVED_STOP:
        c->result.evidence |= CHECK_EVIDENCE(INTERRUPTED);
        conclude(c, o->when);
        break;
    case OBSERVED_SEND_FAILED:
        /* One that the system had no room for is lost, no more. */
        if (!send_failure_is_passing(o->errnum) && o->tag >= QUALIFY_TAGS)
            c->result.evidence |= CHECK_EVIDENCE(OWN_REFUSAL);
        break;
    case OBSERVED_ICMP_ERROR:
        /* What this costs is what did not come back. */
    case OBSERVED_SEEN: /* of captures, which this engine is not fed from */
        break;
    }
}

static nsec deadline(const struct engine *engine)
{
    const struct check *c = (const struct check *)engine;

    if (c->done)
        return NSEC_NEVER;
    return c->qualified ? c->next : engine_deadline(&c->qualify.engine);
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct check *c = (const struct check *)engine;

    if (!c->qualified) {
        engine_waiting(&c->qualify.engine, out);
        return;
    }
    *out = (struct waiting){
        .what = c->done ? WAITING_FOR_NOTHING : WAITING_FOR_SERVER,
        .whom = c->config.qualify.server,
        .since = c->started,
        .until = NSEC_NEVER,
        .at_most = NSEC_NEVER,
    };
}

void check_init(struct check *c, const struct check_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};

    *c = (struct check){.engine = {&ops},
                        .config = *config,
                        .next = NSEC_NEVER,
                        .qualifying = {.engine = &c->qualify.engine,
                                       .composite = &c->engine,
                                       .told = told,
                                       .tags = QUALIFY_TAGS}};
    qualify_init(&c->qualify, &config->qualify);
    /* Not the sequence that the qualification draws from. */
    c->nonces = config->qualify.nonces;
    c->nonces.counter = UINT64_C(1) << 32;
    c->result.odds = -1;
    c->result.name = config->name;
    c->result.warning = config->warning;
    c->result.critical = config->critical;
}
