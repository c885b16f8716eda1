/* The inside of the passive engine: what is kept, and under which names it is found; internal to
 * the engine. */
#ifndef ENGINE_PASSIVE_STATE_H
#define ENGINE_PASSIVE_STATE_H

#include "deadline_pool.h"
#include "passive.h"
#include "passive_client.h"
#include "passive_verdict.h"

struct passive {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct passive_config config;
    struct lru_set *book;
    struct ring punch_ring, client_ring;
    struct passive_punch *punches;
    struct passive_client *clients;
    nsec now;
    nsec first[PASSIVE_VANTAGES], last[PASSIVE_VANTAGES]; /* when each was capturing */
    bool stopping, done;
    struct passive_summary summary;
};

/* A note in the book, and what it says; 0 = nothing. */
void passive_learn(struct passive *e, struct book_key key, uint32_t note);
uint32_t passive_look_up(const struct passive *e, struct book_key key);

/* What the book refers to under KEY; NULL if there is no such thing, or not any more. */
struct passive_punch *passive_punch_of(struct passive *e, struct book_key key);
struct passive_client *passive_client_of(struct passive *e, struct book_key key);

/* The punch that a packet belongs to, or NULL. */
struct passive_punch *passive_find_punch(struct passive *e, const struct observation *o);

/* Learns the names under which the punch is to be found from now on. */
void passive_learn_names(struct passive *e, const struct passive_punch *p,
                         const struct observation *o, enum passive_role role);

/* Looks whether the same host punches to the same peer from another port as well. */
void passive_find_companion(struct passive *e, struct passive_punch *p);

/* Learns which vantage points stand next to whom, and which servers live. */
void passive_learn_parties(struct passive *e, const struct observation *o);

/* Whether a vantage point next to PARTY was capturing at WHEN, and for a while after. NEXT_TO: what
 * a punch knows of that itself, or NULL. */
bool passive_is_captured(const struct passive *e, struct endpoint party,
                         const uint32_t next_to[PASSIVE_VANTAGES], nsec when);

#endif
