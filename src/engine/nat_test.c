#include "nat_test.h"

#include <string.h>

#include "ra_check.h"

static bool was_answered(const struct classify_try *t, nsec wait)
{
    return t->answered != 0 && t->answered - t->sent <= wait;
}

void nat_test_count(const struct nat_test *test, const struct nat_test *const *references,
                    unsigned reference_count, const struct nat_test_span *span,
                    struct classify_count *count)
{
    for (unsigned round = span->first; round < span->end; round++) {
        const struct classify_try *try = &test->tries[round];
        bool beside = false;

        if (try->sent == 0)
            continue;
        for (unsigned i = 0; i < reference_count; i++) {
            const struct classify_try *reference = &references[i]->tries[round];
            bool had_time = reference->sent != 0 && span->now - reference->sent >= span->wait;
            bool good;

            if (reference->sent == 0 || (!had_time && !span->hopeful))
                continue;
            good = !had_time || was_answered(reference, span->wait);
            count->trials++;
            count->failed += !good;
            beside |= good;
        }
        if (beside && (span->hopeful || span->now - try->sent >= span->wait))
            count->misses++;
    }
}

static const uint8_t *nonce_of(const struct nat_test *test, const struct teredo_packet *p)
{
    if (test->kind == CLASSIFY_BUBBLE)
        return p->kind == TEREDO_BUBBLE && ip6_is_link_local(&p->ip6.source)
                   ? &p->ip6.source.s6_addr[8]
                   : NULL;
    return p->has_auth ? p->auth.nonce : NULL;
}

void nat_test_send(struct nat_test *test, unsigned round, uint32_t tag,
                   const struct classify_server *server, struct outbox *out)
{
    struct classify_try *t = &test->tries[round];
    struct teredo_packet packet;
    struct rs_room room;

    if (test->kind == CLASSIFY_BUBBLE) {
        /* Nobody off the path can guess the source, so that the bubble proves itself. */
        struct in6_addr source = link_local_random(server->nonces);

        memcpy(t->nonce, &source.s6_addr[8], sizeof t->nonce);
        teredo_make_bubble(&packet, &source, &test->target);
    } else {
        nonce_take(server->nonces, t->nonce, sizeof t->nonce);
        rs_make(&packet,
                test->kind == CLASSIFY_SOLICITATION ? &teredo_rs_source : &teredo_rs_source_cone,
                t->nonce, &server->identity, &room);
    }
    outbox_send_packet(
        out,
        (struct send_request){.socket = test->socket, .tag = tag, .to = test->to, .ttl = test->ttl},
        &packet);
}

void nat_test_send_prime(const struct nat_test *test, uint32_t tag, struct outbox *out)
{
    static const uint8_t zero;

    out->send(out, &(struct send_request){.socket = test->arrives,
                                          .tag = tag,
                                          .to = test->prime,
                                          .size = sizeof zero,
                                          .bytes = &zero});
}

void nat_test_sent(struct nat_test *test, unsigned round, nsec when)
{
    if (test->sent++ == 0)
        test->first_sent = when;
    test->last_sent = test->tries[round].sent = when;
}

struct classify_try *nat_test_match(struct nat_test *test, unsigned rounds,
                                    const struct observation *o)
{
    const uint8_t *nonce;

    if (!test->open || o->socket != test->arrives || o->packet == NULL)
        return NULL;
    nonce = nonce_of(test, o->packet);
    for (unsigned i = 0; nonce != NULL && i < rounds; i++)
        if (test->tries[i].sent != 0 &&
            memcmp(test->tries[i].nonce, nonce, sizeof test->tries[i].nonce) == 0)
            return &test->tries[i];
    return NULL;
}

bool nat_test_believes(const struct nat_test *test, const struct classify_try *t,
                       const struct classify_server *server, const struct observation *o,
                       enum ra_rule *broken)
{
    enum rule_state rules[RULE_COUNT];
    unsigned attempt;
    struct ra_request request = {
        .asked = test->answer,
        .server = server->primary.address,
        .other_server = server->secondary,
        .nonces = &t->nonce,
        .nonce_count = 1,
        .source = test->kind == CLASSIFY_SOLICITATION ? teredo_rs_source : teredo_rs_source_cone,
        .secret = server->identity.client_id == NULL ? NULL : server->identity.secret,
        .secret_size = server->identity.secret_size,
        .allow_private = server->allow_private,
    };

    if (test->kind == CLASSIFY_BUBBLE) {
        *broken = RULE_COUNT;
        return ip6_equal(&o->packet->ip6.destination, &test->target) &&
               (endpoint_is_unset(test->answer) || endpoint_equal(o->from, test->answer));
    }
    *broken = ra_check(&request, o, rules, &attempt);
    return *broken == RULE_COUNT;
}

void nat_test_answer(struct nat_test *test, struct classify_try *t, const struct observation *o)
{
    bool names_origin = o->packet->has_origin && test->kind != CLASSIFY_BUBBLE;

    if (t->answered != 0)
        return; /* a duplicate */
    t->answered = o->when;
    if (test->answered++ == 0) {
        test->first_delay = o->when - t->sent;
        test->came_from = o->from;
        test->came_to = o->to;
        if (names_origin)
            test->mapped = o->packet->origin;
    } else if (o->to.address != test->came_to.address ||
               (names_origin && !endpoint_equal(o->packet->origin, test->mapped))) {
        test->unsteady = true;
    }
}
