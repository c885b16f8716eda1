#include "probe_leg.h"

#include <string.h>

#include "advert.h"

static bool was_answered(const struct probe_try *t, nsec wait)
{
    return t->answered != 0 && t->answered - t->sent <= wait;
}

void probe_leg_count(const struct probe_leg *leg, const struct probe_leg *const *controls,
                     unsigned control_count, unsigned first, unsigned rounds, nsec now, nsec wait,
                     bool hopeful, struct probe_count *count)
{
    for (unsigned round = first; round < rounds; round++) {
        const struct probe_try *probe = &leg->tries[round];
        bool beside = false;

        if (probe->sent == 0)
            continue;
        for (unsigned i = 0; i < control_count; i++) {
            const struct probe_try *control = &controls[i]->tries[round];
            bool had_time = control->sent != 0 && now - control->sent >= wait;
            bool good;

            if (control->sent == 0 || (!had_time && !hopeful))
                continue;
            good = !had_time || was_answered(control, wait);
            count->trials++;
            count->failed += !good;
            beside |= good;
        }
        if (beside && (hopeful || now - probe->sent >= wait))
            count->misses++;
    }
}

static const uint8_t *nonce_of(const struct probe_leg *leg, const struct teredo_packet *p)
{
    if (leg->kind == PROBE_BUBBLE)
        return p->kind == TEREDO_BUBBLE && ip6_is_link_local(&p->ip6.source)
                   ? &p->ip6.source.s6_addr[8]
                   : NULL;
    return p->has_auth ? p->auth.nonce : NULL;
}

void probe_leg_send(struct probe_leg *leg, unsigned round, uint32_t tag,
                    const struct probe_server *server, struct nonce_source *nonces,
                    struct action_queue *queue)
{
    struct probe_try *t = &leg->tries[round];
    struct send_request *send;
    struct teredo_packet packet;
    struct solicit_room room;

    if (leg->kind == PROBE_BUBBLE) {
        /* Nobody off the path can guess the source, so that the bubble proves itself. */
        struct in6_addr source = link_local_random(nonces);

        memcpy(t->nonce, &source.s6_addr[8], sizeof t->nonce);
        teredo_make_bubble(&packet, &source, &leg->target);
    } else {
        nonce_take(nonces, t->nonce, sizeof t->nonce);
        solicit_make(&packet,
                     leg->kind == PROBE_SOLICITATION ? &teredo_rs_source : &teredo_rs_source_cone,
                     t->nonce, &server->identity, &room);
    }
    send = action_push_packet(queue, tag, leg->to, &packet);
    send->socket = leg->socket;
    send->ttl = leg->ttl;
}

void probe_leg_send_prime(const struct probe_leg *leg, uint32_t tag, struct action_queue *queue)
{
    struct action *a = action_push(queue, ACTION_SEND);

    a->send.socket = leg->socket;
    a->send.tag = tag;
    a->send.to = leg->prime;
    a->send.ttl = 0;
    a->send.size = 1;
    a->send.bytes[0] = 0;
}

void probe_leg_sent(struct probe_leg *leg, unsigned round, nsec when)
{
    if (leg->sent++ == 0)
        leg->first_sent = when;
    leg->last_sent = leg->tries[round].sent = when;
}

struct probe_try *probe_leg_match(struct probe_leg *leg, unsigned rounds,
                                  const struct observation *o)
{
    const uint8_t *nonce;

    if (!leg->open || o->socket != leg->arrives || o->packet == NULL)
        return NULL;
    nonce = nonce_of(leg, o->packet);
    for (unsigned i = 0; nonce != NULL && i < rounds; i++)
        if (leg->tries[i].sent != 0 &&
            memcmp(leg->tries[i].nonce, nonce, sizeof leg->tries[i].nonce) == 0)
            return &leg->tries[i];
    return NULL;
}

bool probe_leg_believes(const struct probe_leg *leg, const struct probe_try *t,
                        const struct probe_server *server, const struct observation *o,
                        enum ra_rule *broken)
{
    enum rule_state rules[RULE_COUNT];
    unsigned attempt;
    struct advert_request request = {
        .asked = leg->answer,
        .server = server->primary.address,
        .other_server = server->secondary,
        .nonces = &t->nonce,
        .nonce_count = 1,
        .source = leg->kind == PROBE_SOLICITATION ? teredo_rs_source : teredo_rs_source_cone,
        .secret = server->identity.client_id == NULL ? NULL : server->identity.secret,
        .secret_size = server->identity.secret_size,
        .allow_private = server->allow_private,
    };

    if (leg->kind == PROBE_BUBBLE) {
        *broken = RULE_COUNT;
        return ip6_equal(&o->packet->ip6.destination, &leg->target) &&
               (endpoint_is_unset(leg->answer) || endpoint_equal(o->from, leg->answer));
    }
    *broken = advert_check(&request, o, rules, &attempt);
    return *broken == RULE_COUNT;
}

void probe_leg_answer(struct probe_leg *leg, struct probe_try *t, const struct observation *o)
{
    bool names_origin = o->packet->has_origin && leg->kind != PROBE_BUBBLE;

    if (t->answered != 0)
        return; /* a duplicate */
    t->answered = o->when;
    if (leg->answered++ == 0) {
        leg->first_delay = o->when - t->sent;
        leg->came_from = o->from;
        leg->came_to = o->to;
        if (names_origin)
            leg->mapped = o->packet->origin;
    } else if (o->to.address != leg->came_to.address ||
               (names_origin && !endpoint_equal(o->packet->origin, leg->mapped))) {
        leg->unsteady = true;
    }
}
