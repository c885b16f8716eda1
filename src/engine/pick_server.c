#include "pick_server.h"

#include "ra_check.h"

/* What the others may take longer than the first. */
#define GRACE (50 * NSEC_MS)

static void ask(struct pick_server *p, nsec now, struct outbox *out)
{
    unsigned attempt = p->asked++;

    for (unsigned i = 0; i < p->config.count; i++) {
        struct teredo_packet rs;
        struct rs_room room;
        struct send_request request = {.tag = i, .to = p->config.servers[i]};

        nonce_take(&p->config.nonces, p->nonces[i][attempt], TEREDO_NONCE_SIZE);
        rs_make(&rs, &p->source, p->nonces[i][attempt], &p->config.identity, &room);
        outbox_send_packet(out, request, &rs);
    }
    /* The waits double, and fill the timeout. */
    p->next = now + p->config.timeout * ((nsec)1 << attempt) / ((1 << PICK_ATTEMPTS) - 1);
}

static void conclude(struct pick_server *p, struct outbox *out)
{
    p->done = true;
    outbox_done(out);
}

static void take_answer(struct pick_server *p, const struct observation *o, unsigned i)
{
    enum rule_state rules[RULE_COUNT];
    unsigned attempt;
    struct ra_request request = {
        .asked = p->config.servers[i],
        .server = p->config.servers[i].address,
        .other_server = p->config.servers[i].address,
        .nonces = p->nonces[i],
        .nonce_count = p->asked,
        .source = p->source,
        .secret = p->config.identity.client_id == NULL ? NULL : p->config.identity.secret,
        .secret_size = p->config.identity.secret_size,
        .allow_private = p->config.allow_private,
    };

    if (p->answered[i] || !endpoint_equal(o->from, p->config.servers[i]) ||
        ra_check(&request, o, rules, &attempt) != RULE_COUNT)
        return;
    p->answered[i] = true;
    if (p->answers++ == 0) {
        p->first = i;
        p->next = o->when + (o->when - p->started) + GRACE;
        p->last = true;
    }
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct pick_server *p = (struct pick_server *)engine;

    if (p->done)
        return;
    if (o->kind == OBSERVED_TIMER && p->started == 0) {
        p->started = o->when;
        ask(p, o->when, out);
    } else if (o->kind == OBSERVED_TIMER && o->when >= p->next) {
        if (p->asked < PICK_ATTEMPTS && !p->last)
            ask(p, o->when, out);
        else
            conclude(p, out);
    } else if (o->kind == OBSERVED_RECEIVED && o->packet != NULL) {
        for (unsigned i = 0; i < p->config.count; i++)
            take_answer(p, o, i);
        if (p->answers == p->config.count)
            conclude(p, out);
    } else if (o->kind == OBSERVED_STOP) {
        conclude(p, out);
    }
}

static nsec deadline(const struct engine *engine)
{
    const struct pick_server *p = (const struct pick_server *)engine;

    return p->done ? NSEC_NEVER : p->next;
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct pick_server *p = (const struct pick_server *)engine;

    *out = (struct waiting){
        .what = p->started == 0 || p->done ? WAITING_FOR_NOTHING : WAITING_FOR_SERVER,
        .try = p->asked,
        .tries = PICK_ATTEMPTS,
        .since = p->started,
        .until = p->started + p->config.timeout,
    };
}

void pick_server_init(struct pick_server *p, const struct pick_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};

    *p = (struct pick_server){.engine = {&ops}, .config = *config, .source = teredo_rs_source};
    p->next = NSEC_NEVER;
}
