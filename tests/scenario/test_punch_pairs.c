/* A hundred ordered pairs of NATs, each with the verdict and the cause that a trace must come to
 * without loss; then random pairs in storms, where a trace may know less than in calm, and nothing
 * else. */
#include <stdlib.h>

#include "nat_config.h"
#include "pair.h"
#include "tap.h"

enum {
    KINDS = 10
};

static const char *const kinds[KINDS] = {
    "none",
    "cone",
    "address-restricted",
    "port-restricted",
    "firewall",
    "symmetric,ports=preserving",
    "symmetric,ports=sequential",
    "symmetric,ports=random",
    "mapping=address",
    "mapping=address,filtering=address",
};

/* A letter a pair: rows are A's kinds, columns B's, in the order above. */
static const char *const table[KINDS] = {
    ".....rrrrr", ".....rrrrr", ".....rrrrr", ".....PPPPP", ".....PPPPP",
    "...OOOOOOO", "...OOOOOOO", "...OOOOOOO", "...OOOOOOO", "...OOOOOOO",
};

static const struct {
    char letter;
    enum punch_verdict verdict;
    enum punch_cause cause;
} letters[] = {
    {'.', PUNCH_PUNCHED, CAUSE_NONE},
    {'r', PUNCH_PUNCHED, CAUSE_PEER_REMAPPED},
    {'P', PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_SYMMETRIC},
    {'O', PUNCH_NOT_PUNCHED, CAUSE_OWN_NAT_SYMMETRIC},
};

static char letter_of(const struct punching *p)
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (p->verdict == letters[i].verdict && p->cause == letters[i].cause)
            return letters[i].letter;
    printf("# %s, %s\n", code_of(&punch_verdicts, p->verdict), code_of(&punch_causes, p->cause));
    return '?';
}

static void calm(struct world_config *c)
{
    for (int i = 0; i < WORLD_SITES; i++)
        c->leg[i] = (struct world_leg){.delay = 12500 * NSEC_US};
}

static void test_table(struct run *r)
{
    for (int a = 0; a < KINDS; a++) {
        char row[KINDS + 1] = "";

        for (int b = 0; b < KINDS; b++) {
            struct world_config c = {.nat = {kinds[a], kinds[b]}, .seed = 1};

            calm(&c);
            row[b] = pair_run(r, &c, PUNCH_MAX_ATTEMPTS) && r->done ? letter_of(&r->result) : '-';
            world_free(r->world);
        }
        is_str(row, table[a], "%s: what it comes to with each of the ten", kinds[a]);
    }
}

/* A NAT of any mapping, filtering and ports. */
static void make_nat(struct prng *random, char *text, size_t size)
{
    static const char *const depends[] = {"endpoint-independent", "address", "address-port"};
    static const char *const ports[] = {"preserving", "sequential", "random"};

    if (prng_below(random, 8) == 0)
        snprintf(text, size, "%s", prng_below(random, 2) == 0 ? "none" : "firewall");
    else
        snprintf(text, size, "mapping=%s,filtering=%s,ports=%s,pool=%u",
                 depends[prng_below(random, 3)], depends[prng_below(random, 3)],
                 ports[prng_below(random, 3)], 1 + prng_below(random, 2));
}

static struct world_leg make_leg(struct prng *random, double loss)
{
    bool rough = prng_below(random, 2) == 0;

    return (struct world_leg){
        .delay = 5 * NSEC_MS + (nsec)prng_below(random, 40) * NSEC_MS,
        .jitter = rough ? 30 * NSEC_MS : 0,
        .loss = loss,
        .duplicate = rough ? 0.2 : 0,
        .reorder = rough ? 0.1 : 0,
    };
}

struct tally {
    unsigned runs, decided, false_yes, false_no, false_cause;
};

static void add_run(struct tally *t, const struct punching *truth, const struct punching *found)
{
    t->runs++;
    t->decided += found->verdict != PUNCH_INCONCLUSIVE;
    t->false_yes += found->verdict == PUNCH_PUNCHED && truth->verdict != PUNCH_PUNCHED;
    t->false_no += found->verdict == PUNCH_NOT_PUNCHED && truth->verdict == PUNCH_PUNCHED;
    t->false_cause += found->verdict == PUNCH_NOT_PUNCHED && truth->verdict == PUNCH_NOT_PUNCHED &&
                      found->cause != truth->cause;
    if (found->verdict == PUNCH_NOT_PUNCHED && found->cause != truth->cause)
        printf("# %s said, %s true\n", code_of(&punch_causes, found->cause),
               code_of(&punch_causes, truth->cause));
}

/* What LOSS on each leg of the hosts, and less on those of the servers, does to random pairs. */
static void test_storms(struct run *r, double loss, unsigned pairs)
{
    struct prng random = {(uint64_t)(loss * 1000) + 1};
    struct tally t = {0};

    for (unsigned i = 0; i < pairs; i++) {
        char nat[2][96];
        struct world_config c = {.nat = {nat[0], nat[1]}, .seed = i + 1};
        struct punching truth;

        make_nat(&random, nat[0], sizeof nat[0]);
        make_nat(&random, nat[1], sizeof nat[1]);
        calm(&c);
        pair_run(r, &c, PUNCH_MAX_ATTEMPTS);
        truth = r->result;
        world_free(r->world);
        for (int site = 0; site < WORLD_SITES; site++)
            c.leg[site] = make_leg(&random, site < WORLD_S1 ? loss : loss / 4);
        if (pair_run(r, &c, PUNCH_MAX_ATTEMPTS) && r->done) {
            unsigned before = t.false_yes + t.false_no + t.false_cause;

            add_run(&t, &truth, &r->result);
            if (t.false_yes + t.false_no + t.false_cause > before)
                printf("# %s to %s, seed %u\n", nat[0], nat[1], i + 1);
        }
        world_free(r->world);
    }
    printf("# %.0f %% lost: %u runs, %u decided\n", loss * 100, t.runs, t.decided);
    is_int(t.false_yes, 0, "%.0f %% lost: nothing is said to be punched that cannot be",
           loss * 100);
    is_int(t.false_no, 0, "%.0f %% lost: nothing is said not to be punched that can be",
           loss * 100);
    is_int(t.false_cause, 0, "%.0f %% lost: no cause is named but the true one", loss * 100);
}

int main(void)
{
    static const double losses[] = {0, 0.05, 0.1, 0.2, 0.5};
    unsigned pairs = getenv("LONG") != NULL ? 2000 : 60; /* `make check-long` */
    struct run *r = calloc(1, sizeof *r);

    if (r == NULL)
        return 1;
    test_table(r);
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        test_storms(r, losses[i], pairs);
    free(r);
    return done_testing();
}
