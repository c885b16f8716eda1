#include "captured_packet_report.h"

#include <jansson.h>
#include <stdlib.h>

#include "json_put.h"
#include "packet.h"

enum {
    NAME_BYTES = 1000 /* of a file's name: longer ones are cut */
};

#define LIST_BEGIN "{\n  \"schema\": 1,\n  \"command\": \"decode\",\n  \"packets\": [\n"

void captured_packet_printer_file(struct captured_packet_printer *printer, const char *name)
{
    size_t size = name == NULL ? 0 : strnlen(name, NAME_BYTES);
    json_t *string;

    free(printer->file);
    printer->file = NULL;
    if (name == NULL || printer->format == REPORT_TEXT)
        return;
    if (printer->format == REPORT_TSV) {
        printer->file = strndup(name, size);
        return;
    }
    /* jansson keeps UTF-8 as it is and refuses what is none. */
    string = json_stringn(name, size);
    printer->file = string == NULL ? NULL : json_dumps(string, JSON_ENCODE_ANY);
    json_decref(string);
    if (printer->file == NULL && (printer->file = malloc(6 * size + 3)) != NULL)
        *json_put_string(printer->file, name, size) = '\0';
}

static char *put_object(struct captured_packet_printer *printer, char *p,
                        const struct captured_packet *s)
{
    p = put_string(p, "\"file\":");
    p = put_string(p, printer->file == NULL ? "null" : printer->file);
    p = s->frame == 0 ? json_put_null(p, "frame") : json_put_number(p, "frame", s->frame);
    p = packet_put_json(&printer->stamp, p, s);
    *p++ = '}';
    return p;
}

static void print_json(struct captured_packet_printer *printer, const struct captured_packet *s)
{
    char *start = output_reserve(printer->out), *p = start;

    if (printer->format == REPORT_JSON && !printer->single) {
        p = put_string(p, printer->count == 0 ? LIST_BEGIN : ",\n");
        p = put_object(printer, put_string(p, "    {"), s);
        output_advance(printer->out, p);
        return;
    }
    p = put_string(p, "{\"schema\":1,\"command\":\"decode\",");
    if (printer->format == REPORT_JSONL)
        p = put_string(p, "\"event\":\"packet\",");
    p = put_object(printer, p, s);
    if (printer->format == REPORT_JSON) {
        json_put_laid_out(printer->out, start, (size_t)(p - start));
        return;
    }
    *p++ = '\n';
    output_advance(printer->out, p);
}

void captured_packet_print(struct captured_packet_printer *printer, const struct captured_packet *s)
{
    if (printer->format == REPORT_TSV) {
        output_advance(printer->out,
                       captured_packet_put_tsv(printer, output_reserve(printer->out), s));
    } else if (printer->format != REPORT_TEXT) {
        print_json(printer, s);
    } else {
        char *p = packet_put_line(&printer->stamp, output_reserve(printer->out), s);

        if (printer->verbose)
            p = packet_put_tree(p, s);
        output_advance(printer->out, p);
    }
    printer->count++;
}

void captured_packet_print_end(struct captured_packet_printer *printer)
{
    if (printer->format == REPORT_JSON && !printer->single)
        output_text(printer->out, printer->count == 0 ? LIST_BEGIN "  ]\n}\n" : "\n  ]\n}\n");
    free(printer->file);
    printer->file = NULL;
}
