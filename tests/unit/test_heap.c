/* The heap by time, against looking at all the items. */
#include "heap.h"

#include "prng.h"
#include "tap.h"

enum {
    ITEMS = 50,
    STEPS = 20000
};

static struct heap heap;
static struct heap_item items[ITEMS];
static uint64_t orders[ITEMS]; /* when each was set last; 0 = it is not in the heap */

static const struct heap_item *first_of_all(void)
{
    const struct heap_item *best = NULL;

    for (int i = 0; i < ITEMS; i++)
        if (orders[i] != 0 && (best == NULL || items[i].when < best->when ||
                               (items[i].when == best->when && orders[i] < orders[best - items])))
            best = &items[i];
    return best;
}

static void test_order(void)
{
    struct prng random = {1};
    unsigned wrong = 0;

    ok(heap_first(&heap) == NULL && heap_when(&heap) == NSEC_NEVER, "a new heap is empty");
    for (uint64_t n = 1; n <= STEPS; n++) {
        unsigned i = prng_below(&random, ITEMS);

        if (prng_below(&random, 3) == 0) {
            heap_remove(&heap, &items[i]);
            orders[i] = 0;
        } else {
            wrong += !heap_set(&heap, &items[i], prng_below(&random, 20));
            orders[i] = n;
        }
        wrong += heap_first(&heap) != first_of_all();
        wrong += heap_first(&heap) != NULL && heap_when(&heap) != heap_first(&heap)->when;
    }
    is_int(wrong, 0, "the first item is the one that is due first, and of these the one set first");
}

static void test_emptying(void)
{
    unsigned wrong = 0;

    for (int i = 0; i < ITEMS; i++)
        heap_set(&heap, &items[i], (i * 7) % ITEMS);
    is_int((int64_t)heap.count, ITEMS, "an item is in the heap once, however often it is set");
    for (int i = 0; i < ITEMS; i++) {
        struct heap_item *first = heap_first(&heap);

        wrong += first == NULL || first->when != i;
        heap_remove(&heap, first);
        heap_remove(&heap, first);
    }
    is_int(wrong, 0, "taken out one by one, they come in the order of their times");
    ok(heap_first(&heap) == NULL && heap.count == 0, "then the heap is empty");
    heap_free(&heap);
}

int main(void)
{
    test_order();
    test_emptying();
    return done_testing();
}
