/* The ear's inside: what is kept, and under which names it is found; internal to the engine. */
#ifndef ENGINE_OVERHEAR_STATE_H
#define ENGINE_OVERHEAR_STATE_H

#include "action_queue.h"
#include "overhear.h"
#include "overhear_ring.h"
#include "overheard_client.h"
#include "overheard_verdict.h"

struct overhear {
    struct overhear_config config;
    struct recent *book;
    struct ring punch_ring, client_ring;
    struct overheard_punch *punches;
    struct overheard_client *clients;
    nsec now;
    nsec first[OVERHEARD_VANTAGES], last[OVERHEARD_VANTAGES]; /* when each was capturing */
    bool stopping, done;
    struct overheard_summary summary;
    struct action_queue queue;
};

/* A note in the book, and what it says; 0 = nothing. */
void overhear_learn(struct overhear *e, struct book_key key, uint32_t note);
uint32_t overhear_look_up(const struct overhear *e, struct book_key key);

/* What the book refers to under KEY; NULL if there is no such thing, or not any more. */
struct overheard_punch *overhear_punch_of(struct overhear *e, struct book_key key);
struct overheard_client *overhear_client_of(struct overhear *e, struct book_key key);

/* The punch that a packet belongs to, or NULL. */
struct overheard_punch *overhear_find_punch(struct overhear *e, const struct observation *o);

/* Learns the names under which the punch is to be found from now on. */
void overhear_learn_names(struct overhear *e, const struct overheard_punch *p,
                          const struct observation *o, enum overheard_role role);

/* Looks whether the same host punches to the same peer from another port as well. */
void overhear_find_companion(struct overhear *e, struct overheard_punch *p);

/* Learns which vantage points stand next to whom, and which servers live. */
void overhear_learn_parties(struct overhear *e, const struct observation *o);

/* Whether a vantage point next to PARTY was capturing at WHEN, and for a while after. NEXT_TO: what
 * a punch knows of that itself, or NULL. */
bool overhear_is_captured(const struct overhear *e, struct endpoint party,
                          const uint32_t next_to[OVERHEARD_VANTAGES], nsec when);

#endif
