/* The limit: full training steps of W1, W2 and W3, written by hand for one workload each.

   float64 throughout, in vectors of 8: this is for AVX-512.
   What is known when the program is written is used: shapes, layouts, which values live in
   registers. What is data is not: one-hot inputs are multiplied densely, no example is skipped.
   Every step computes the loss, all gradients and the update.

   W1  lanes are units: a layer of 16 is two vectors, and no sum ever runs across lanes
   W2  lanes are examples: 100 in 13 vectors; weight gradients are sums across lanes, 8 at a time
   W3  lanes are the 8 tokens; weight gradients have the columns of the weights as lanes instead,
       and Adam takes each of them from its register

   Each workload has the functions data, set (the parameters, in the order of workloads.py), get,
   gradient and train. */

#include <immintrin.h>
#include <math.h>
#include <string.h>

#if !defined __AVX512F__ || !defined __AVX512DQ__
#error "hand.c is written for AVX-512: split into halves by the compiler it would be no limit"
#endif

typedef double v8 __attribute__((vector_size(64)));
typedef long long l8 __attribute__((vector_size(64)));
typedef double v4 __attribute__((vector_size(32), aligned(8)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")
#define ALIGNED __attribute__((aligned(64)))

enum { LANES = 8 };

/* ------------------------------------------------------------------------------------------ */
/* vectors */

INLINE v8 all(double x) { return (v8){x, x, x, x, x, x, x, x}; }
INLINE v8 where(l8 mask, v8 x) { return (v8)(mask & (l8)x); }

INLINE v8 root(v8 x) { return (v8)_mm512_sqrt_pd((__m512d)x); }

/* the instruction gives its second operand where one is nan: here that is x */
INLINE v8 larger(v8 x, v8 y) { return (v8)_mm512_max_pd((__m512d)y, (__m512d)x); }
INLINE v8 smaller(v8 x, v8 y) { return (v8)_mm512_min_pd((__m512d)y, (__m512d)x); }

INLINE v8 looked_up(v8 table, l8 index)
{
    return (v8)_mm512_permutexvar_pd((__m512i)index, (__m512d)table);
}

/* exp(x) = 2^(k/8) exp(r) with |r| < ln 2 / 16: eight powers in a table, and a Taylor polynomial
   of degree 7, whose error there is below 3e-16; for x up to 709 */
INLINE v8 exponential(v8 x)
{
    const double round = 0x1.8p52; /* its last bits count whole numbers */
    const v8 powers = {0x1p0,
                       0x1.172b83c7d517bp0,
                       0x1.306fe0a31b715p0,
                       0x1.4bfdad5362a27p0,
                       0x1.6a09e667f3bcdp0,
                       0x1.8ace5422aa0dbp0,
                       0x1.ae89f995ad3adp0,
                       0x1.d5818dcfba487p0};
    x = larger(x, all(-708.0));
    v8 shifted = x * 0x1.71547652b82fep3 + round; /* 8 / ln 2 */
    l8 k = (l8)shifted;
    v8 n = shifted - round;
    v8 r = x - n * 0x1.62e42fefap-4; /* ln 2 / 8 in two parts, the first of 36 bits */
    r = r - n * 0x1.cf79abc9e3b39p-43;
    v8 p = all(1.0 / 5040);
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return p * (v8)((l8)looked_up(powers, k) + ((k & ~7LL) << 49));
}

/* 1 / (1 + exp(-x)) and its slope, both from exp(-|x|): so the slope keeps its digits where the
   value is nearly 1. One of t and 1 - t is the value, the other its complement */
INLINE v8 logistic(v8 x, v8 *slope)
{
    v8 e = exponential(larger(smaller(x, -x), all(-708.0))), t = e / (1.0 + e), rest = 1.0 - t;
    l8 below = x < 0;
    *slope = t * rest;
    return (v8)((below & (l8)t) | (~below & (l8)rest));
}

#define EVEN(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define ODD(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define PAIRS_02(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13)
#define PAIRS_13(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15)

/* the sums of eight vectors, each across its lanes */
INLINE v8 sums(const v8 *x)
{
    v8 a = EVEN(x[0], x[1]) + ODD(x[0], x[1]), b = EVEN(x[2], x[3]) + ODD(x[2], x[3]);
    v8 c = EVEN(x[4], x[5]) + ODD(x[4], x[5]), d = EVEN(x[6], x[7]) + ODD(x[6], x[7]);
    v8 e = PAIRS_02(a, b) + PAIRS_13(a, b), f = PAIRS_02(c, d) + PAIRS_13(c, d);
    return PAIRS_02(e, f) + PAIRS_13(e, f);
}

INLINE double sum(v8 x)
{
    return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
}

/* eight vectors, `stride` apart, to eight vectors, `out_stride` apart */
INLINE void transpose(v8 *out, int out_stride, const v8 *x, int stride)
{
    v8 a[8], b[8];
    UNROLL for (int i = 0; i < 8; i += 2) {
        a[i] = EVEN(x[i * stride], x[(i + 1) * stride]);
        a[i + 1] = ODD(x[i * stride], x[(i + 1) * stride]);
    }
    UNROLL for (int i = 0; i < 2; i++) {
        b[i] = PAIRS_02(a[i], a[i + 2]);
        b[i + 2] = PAIRS_13(a[i], a[i + 2]);
        b[i + 4] = PAIRS_02(a[i + 4], a[i + 6]);
        b[i + 6] = PAIRS_13(a[i + 4], a[i + 6]);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        out[i * out_stride] = PAIRS_02(b[i], b[i + 4]);
        out[(i + 4) * out_stride] = PAIRS_13(b[i], b[i + 4]);
    }
}

/* ------------------------------------------------------------------------------------------ */
/* W1: moons, 2-16-16-1, plain gradient descent. Weights are kept by input: [input][unit], the
   bias after the inputs. */

enum { POINTS = 100, UNITS = 16, TOGETHER = 10 };

typedef struct {
    v8 first[3][2];
    v8 second[17][2];
    v8 last[2];
    v8 bias; /* of the last layer, in lane 0 */
} Moons;
enum { MOONS_VECTORS = sizeof(Moons) / sizeof(v8) };

static Moons moons_w, moons_g;
static v8 moons_by_unit[16][2]; /* second[0..15] transposed: [unit][input] */
static double moons_x[POINTS][2], moons_side[104] ALIGNED;

static void moons_turn(void)
{
    UNROLL for (int i = 0; i < 2; i++)
        UNROLL for (int j = 0; j < 2; j++)
            transpose(&moons_by_unit[8 * j][i], 2, &moons_w.second[8 * i][j], 2);
}

INLINE double moons_loss(double decay)
{
    static v8 h1[POINTS][2], h2[POINTS][2], d1[POINTS][2], d2[POINTS][2], parts[104];
    static double slope[104] ALIGNED;
    const Moons *w = &moons_w;
    Moons *g = &moons_g;

    for (int block = 0; block < POINTS; block += TOGETHER) {
        v8 y[TOGETHER][2];
        UNROLL for (int e = 0; e < TOGETHER; e++)
            UNROLL for (int k = 0; k < 2; k++) {
                const double *x = moons_x[block + e];
                v8 z = w->first[2][k] + x[0] * w->first[0][k] + x[1] * w->first[1][k];
                h1[block + e][k] = larger(z, all(0));
                y[e][k] = w->second[16][k];
            }
        for (int i = 0; i < UNITS; i++) {
            v8 w0 = w->second[i][0], w1 = w->second[i][1];
            UNROLL for (int e = 0; e < TOGETHER; e++) {
                double x = ((double *)h1[block + e])[i];
                y[e][0] += x * w0;
                y[e][1] += x * w1;
            }
        }
        UNROLL for (int e = 0; e < TOGETHER; e++) {
            v8 a = h2[block + e][0] = larger(y[e][0], all(0));
            v8 b = h2[block + e][1] = larger(y[e][1], all(0));
            parts[block + e] = a * w->last[0] + b * w->last[1];
        }
    }

    v8 hinges = all(0), slopes = all(0);
    for (int block = 0; block < 104; block += LANES) { /* the side of the last four is 0 */
        v8 score = sums(&parts[block]) + w->bias[0];
        v8 side = *(v8 *)&moons_side[block];
        v8 hinge = 1.0 - side * score;
        l8 wrong = (hinge > 0.0) & (side != 0.0);
        v8 s = where(wrong, side * (-1.0 / POINTS));
        *(v8 *)&slope[block] = s;
        hinges += where(wrong, hinge);
        slopes += s;
    }

    v8 last0 = all(0), last1 = all(0);
    for (int block = 0; block < POINTS; block += TOGETHER) {
        v8 y[TOGETHER][2];
        UNROLL for (int e = 0; e < TOGETHER; e++) {
            double s = slope[block + e];
            v8 a = h2[block + e][0], b = h2[block + e][1];
            last0 += s * a;
            last1 += s * b;
            d2[block + e][0] = where(a > 0.0, s * w->last[0]);
            d2[block + e][1] = where(b > 0.0, s * w->last[1]);
            y[e][0] = y[e][1] = all(0);
        }
        for (int j = 0; j < UNITS; j++) {
            v8 w0 = moons_by_unit[j][0], w1 = moons_by_unit[j][1];
            UNROLL for (int e = 0; e < TOGETHER; e++) {
                double d = ((double *)d2[block + e])[j];
                y[e][0] += d * w0;
                y[e][1] += d * w1;
            }
        }
        UNROLL for (int e = 0; e < TOGETHER; e++)
            UNROLL for (int k = 0; k < 2; k++)
                d1[block + e][k] = where(h1[block + e][k] > 0.0, y[e][k]);
    }
    g->last[0] = last0;
    g->last[1] = last1;
    g->bias = (v8){sum(slopes)};

    { /* inputs 0 to 7 and the bias of the second layer */
        v8 y[9][2];
        UNROLL for (int i = 0; i < 9; i++) y[i][0] = y[i][1] = all(0);
        for (int e = 0; e < POINTS; e++) {
            v8 a = d2[e][0], b = d2[e][1];
            UNROLL for (int i = 0; i < 8; i++) {
                double x = ((double *)h1[e])[i];
                y[i][0] += x * a;
                y[i][1] += x * b;
            }
            y[8][0] += a;
            y[8][1] += b;
        }
        UNROLL for (int i = 0; i < 8; i++)
            UNROLL for (int k = 0; k < 2; k++) g->second[i][k] = y[i][k];
        g->second[16][0] = y[8][0];
        g->second[16][1] = y[8][1];
    }
    { /* inputs 8 to 15, and the first layer */
        v8 y[8][2], z[3][2];
        UNROLL for (int i = 0; i < 8; i++) y[i][0] = y[i][1] = all(0);
        UNROLL for (int i = 0; i < 3; i++) z[i][0] = z[i][1] = all(0);
        for (int e = 0; e < POINTS; e++) {
            v8 a = d2[e][0], b = d2[e][1], c = d1[e][0], d = d1[e][1];
            UNROLL for (int i = 0; i < 8; i++) {
                double x = ((double *)h1[e])[8 + i];
                y[i][0] += x * a;
                y[i][1] += x * b;
            }
            UNROLL for (int i = 0; i < 2; i++) {
                z[i][0] += moons_x[e][i] * c;
                z[i][1] += moons_x[e][i] * d;
            }
            z[2][0] += c;
            z[2][1] += d;
        }
        UNROLL for (int i = 0; i < 8; i++)
            UNROLL for (int k = 0; k < 2; k++) g->second[8 + i][k] = y[i][k];
        UNROLL for (int i = 0; i < 3; i++)
            UNROLL for (int k = 0; k < 2; k++) g->first[i][k] = z[i][k];
    }

    const v8 *p = (const v8 *)w;
    v8 *q = (v8 *)g, squares[2] = {all(0), all(0)};
    for (int i = 0; i < MOONS_VECTORS; i++) {
        squares[i & 1] += p[i] * p[i];
        q[i] += 2 * decay * p[i];
    }
    return sum(hinges) / POINTS + decay * sum(squares[0] + squares[1]);
}

/* one number of the struct after the other, in the order of workloads.py */
static void moons_each(Moons *m, double *w, int set)
{
    for (int j = 0; j < UNITS; j++)
        for (int i = 0; i < 3; i++, w++)
            if (set) ((double *)m->first[i])[j] = *w; else *w = ((double *)m->first[i])[j];
    for (int j = 0; j < UNITS; j++)
        for (int i = 0; i < 17; i++, w++)
            if (set) ((double *)m->second[i])[j] = *w; else *w = ((double *)m->second[i])[j];
    for (int i = 0; i < 17; i++, w++)
        if (set) ((double *)m->last)[i] = *w; else *w = ((double *)m->last)[i];
}

void W1_data(const double *points, const double *sides)
{
    memcpy(moons_x, points, sizeof moons_x);
    memcpy(moons_side, sides, POINTS * sizeof(double));
}

void W1_set(double *w)
{
    memset(&moons_w, 0, sizeof moons_w);
    moons_each(&moons_w, w, 1);
    moons_turn();
}

void W1_get(double *w) { moons_each(&moons_w, w, 0); }

double W1_gradient(double *g, double decay)
{
    double loss = moons_loss(decay);
    moons_each(&moons_g, g, 0);
    return loss;
}

void W1_train(double *losses, long steps, double rate, double decay)
{
    for (long step = 0; step < steps; step++) {
        losses[step] = moons_loss(decay);
        v8 *w = (v8 *)&moons_w;
        const v8 *g = (const v8 *)&moons_g;
        for (int i = 0; i < MOONS_VECTORS; i++) w[i] -= rate * g[i];
        moons_turn();
    }
}

/* ------------------------------------------------------------------------------------------ */
/* W2: family trees, with the momentum of 1986. Rows are units, of 13 vectors of examples. */

enum { CASES = 100, ROW = 13, IN = 36, CODES = 12, BOTH = 12, CODE = 6, ANSWER = 24 };
enum { FAMILY_UNITS = CODES + BOTH + CODE + ANSWER };

typedef v8 Row[ROW];

/* Weights [unit][input], those of the answer [input][unit]. The biases are in the order of the
   rows, padded to whole vectors. */
typedef struct {
    double person[6][24], relation[6][12], both[12][12], code[6][12], answer[6][24];
    double bias[56];
} Family;
enum { FAMILY_VECTORS = sizeof(Family) / sizeof(v8) };

static Family family_w ALIGNED, family_g ALIGNED, family_last ALIGNED;
static Row family_x[IN], family_t[ANSWER];
static v8 family_mask[ROW];

/* six rows, from vector v on, `width` vectors wide: the sums of weight times row */
INLINE void six(v8 *y, int width, const Row *x, int terms, const double *w, int by_unit,
                int by_term)
{
    for (int i = 0; i < terms; i++) {
        v8 in[4];
        UNROLL for (int v = 0; v < width; v++) in[v] = x[i][v];
        UNROLL for (int j = 0; j < 6; j++) {
            double weight = w[j * by_unit + i * by_term];
            UNROLL for (int v = 0; v < width; v++) y[j * width + v] += weight * in[v];
        }
    }
}

INLINE void forward_six(Row *out, Row *slope, int width, const Row *x, int terms, const double *w,
                        int by_unit, int by_term, const double *bias)
{
    v8 y[24];
    UNROLL for (int j = 0; j < 6; j++)
        UNROLL for (int v = 0; v < width; v++) y[j * width + v] = all(bias[j]);
    six(y, width, x, terms, w, by_unit, by_term);
    UNROLL for (int j = 0; j < 6; j++)
        UNROLL for (int v = 0; v < width; v++) out[j][v] = logistic(y[j * width + v], &slope[j][v]);
}

INLINE void backward_six(Row *d, const Row *slope, int width, const Row *above, int terms,
                         const double *w, int by_unit, int by_term)
{
    v8 y[24];
    UNROLL for (int i = 0; i < 6 * width; i++) y[i] = all(0);
    six(y, width, above, terms, w, by_unit, by_term);
    UNROLL for (int j = 0; j < 6; j++)
        UNROLL for (int v = 0; v < width; v++) d[j][v] = y[j * width + v] * slope[j][v];
}

/* 24 weight gradients: four rows times six rows, stored four by four */
INLINE void four_by_six(double *g, int stride, const Row *four, const Row *other)
{
    v8 y[24];
    UNROLL for (int i = 0; i < 24; i++) y[i] = all(0);
    for (int v = 0; v < ROW; v++) {
        v8 a[4];
        UNROLL for (int i = 0; i < 4; i++) a[i] = four[i][v];
        UNROLL for (int j = 0; j < 6; j++) {
            v8 b = other[j][v];
            UNROLL for (int i = 0; i < 4; i++) y[4 * j + i] += a[i] * b;
        }
    }
    UNROLL for (int j = 0; j < 6; j += 2) {
        v8 s = sums(&y[4 * j]);
        *(v4 *)(g + j * stride) = __builtin_shufflevector(s, s, 0, 1, 2, 3);
        *(v4 *)(g + (j + 1) * stride) = __builtin_shufflevector(s, s, 4, 5, 6, 7);
    }
}

static Row family_y[FAMILY_UNITS], family_s[FAMILY_UNITS], family_d[56]; /* two rows of d stay 0 */

INLINE v8 family_block(int v, int width)
{
    const Family *w = &family_w;
    const Row *x = (const Row *)&family_x[0][v], *t = (const Row *)&family_t[0][v];
    Row *codes = (Row *)&family_y[0][v], *both = codes + CODES, *code = both + BOTH,
        *answer = code + CODE;
    Row *s_codes = (Row *)&family_s[0][v], *s_both = s_codes + CODES, *s_code = s_both + BOTH,
        *s_answer = s_code + CODE;
    forward_six(codes, s_codes, width, x, 24, w->person[0], 24, 1, w->bias);
    forward_six(codes + 6, s_codes + 6, width, x + 24, 12, w->relation[0], 12, 1, w->bias + 6);
    for (int j = 0; j < 12; j += 6)
        forward_six(both + j, s_both + j, width, codes, 12, w->both[j], 12, 1, w->bias + 12 + j);
    forward_six(code, s_code, width, both, 12, w->code[0], 12, 1, w->bias + 24);
    for (int j = 0; j < 24; j += 6)
        forward_six(answer + j, s_answer + j, width, code, 6, w->answer[0] + j, 1, 24, w->bias + 30 + j);

    Row *d_codes = (Row *)&family_d[0][v], *d_both = d_codes + CODES, *d_code = d_both + BOTH,
        *d_answer = d_code + CODE;
    v8 loss = all(0);
    for (int j = 0; j < ANSWER; j++)
        UNROLL for (int u = 0; u < width; u++) {
            v8 error = (answer[j][u] - t[j][u]) * family_mask[v + u];
            loss += error * error;
            d_answer[j][u] = error * s_answer[j][u];
        }
    backward_six(d_code, s_code, width, d_answer, 24, w->answer[0], 24, 1);
    for (int i = 0; i < 12; i += 6)
        backward_six(d_both + i, s_both + i, width, d_code, 6, w->code[0] + i, 1, 12);
    for (int i = 0; i < 12; i += 6)
        backward_six(d_codes + i, s_codes + i, width, d_both, 12, w->both[0] + i, 1, 12);
    return loss;
}

INLINE double family_loss(void)
{
    v8 loss = family_block(0, 4);
    for (int v = 4; v < ROW; v += 3) loss += family_block(v, 3);

    Family *g = &family_g;
    const Row *codes = family_y, *both = codes + CODES, *code = both + BOTH;
    const Row *d_codes = family_d, *d_both = d_codes + CODES, *d_code = d_both + BOTH,
              *d_answer = d_code + CODE;
    for (int i = 0; i < 24; i += 4) four_by_six(&g->person[0][i], 24, family_x + i, d_codes);
    for (int i = 0; i < 12; i += 4) {
        four_by_six(&g->relation[0][i], 12, family_x + 24 + i, d_codes + 6);
        four_by_six(&g->both[0][i], 12, codes + i, d_both);
        four_by_six(&g->both[6][i], 12, codes + i, d_both + 6);
        four_by_six(&g->code[0][i], 12, both + i, d_code);
    }
    for (int j = 0; j < 24; j += 4) four_by_six(&g->answer[0][j], 24, d_answer + j, code);
    for (int j = 0; j < 56; j += 8) {
        v8 y[8];
        UNROLL for (int i = 0; i < 8; i++) y[i] = family_d[j + i][0];
        for (int v = 1; v < ROW; v++)
            UNROLL for (int i = 0; i < 8; i++) y[i] += family_d[j + i][v];
        *(v8 *)&g->bias[j] = sums(y);
    }
    return 0.5 * sum(loss);
}

static void family_layer(double *w, int by_unit, int by_input, double *bias, int units, int inputs,
                         double **numbers, int set)
{
    for (int j = 0; j < units; j++)
        for (int i = 0; i <= inputs; i++) {
            double *own = i < inputs ? &w[j * by_unit + i * by_input] : &bias[j];
            if (set) *own = *(*numbers)++; else *(*numbers)++ = *own;
        }
}

static void family_each(Family *f, double *numbers, int set)
{
    family_layer(f->person[0], 24, 1, f->bias, 6, 24, &numbers, set);
    family_layer(f->relation[0], 12, 1, f->bias + 6, 6, 12, &numbers, set);
    family_layer(f->both[0], 12, 1, f->bias + 12, 12, 12, &numbers, set);
    family_layer(f->code[0], 12, 1, f->bias + 24, 6, 12, &numbers, set);
    family_layer(f->answer[0], 1, 24, f->bias + 30, 24, 6, &numbers, set);
}

/* `inputs` and `targets` are [row][case] */
void W2_data(const double *inputs, const double *targets)
{
    for (int e = 0; e < CASES; e++) {
        for (int i = 0; i < IN; i++) ((double *)family_x[i])[e] = inputs[i * CASES + e];
        for (int i = 0; i < ANSWER; i++) ((double *)family_t[i])[e] = targets[i * CASES + e];
        ((double *)family_mask)[e] = 1;
    }
}

void W2_set(double *w)
{
    memset(&family_w, 0, sizeof family_w);
    memset(&family_last, 0, sizeof family_last);
    family_each(&family_w, w, 1);
}

void W2_get(double *w) { family_each(&family_w, w, 0); }

double W2_gradient(double *g)
{
    double loss = family_loss();
    family_each(&family_g, g, 0);
    return loss;
}

void W2_train(double *losses, long steps, double rate, double alpha)
{
    for (long step = 0; step < steps; step++) {
        losses[step] = family_loss();
        v8 *w = (v8 *)&family_w, *last = (v8 *)&family_last;
        const v8 *g = (const v8 *)&family_g;
        for (int i = 0; i < FAMILY_VECTORS; i++) {
            last[i] = alpha * last[i] - rate * g[i];
            w[i] += last[i];
        }
    }
}

/* ------------------------------------------------------------------------------------------ */
/* W3: the transformer, with Adam. Activations are vectors of the 8 tokens. */

enum { TOKENS = 8, WIDTH = 16, HEADS = 4, SIZE = 4, HIDDEN = 64, VOCABULARY = 27, BLOCK = 16 };

typedef struct {
    double in[VOCABULARY][WIDTH], places[BLOCK][WIDTH], out[VOCABULARY][WIDTH];
    double q[WIDTH][WIDTH], k[WIDTH][WIDTH], v[WIDTH][WIDTH], o[WIDTH][WIDTH];
    double up[HIDDEN][WIDTH], down[WIDTH][HIDDEN];
} Gpt;
enum { GPT_NUMBERS = sizeof(Gpt) / sizeof(double) };

static Gpt gpt_w ALIGNED, gpt_g ALIGNED, gpt_mean ALIGNED, gpt_square ALIGNED;
static long gpt_steps; /* made so far */
static int gpt_token[TOKENS];
static v8 gpt_target[VOCABULARY]; /* 1 where the token follows */

typedef struct {
    double beta1, beta2, rate, unbias, epsilon; /* rate and unbias for this step */
} Adam;

INLINE void dots(v8 *y, int rows, const double *w, int cols, const v8 *x)
{ /* y[j] = sum of w[j][i] x[i], `rows` of them in registers together */
    v8 s[16];
    UNROLL for (int j = 0; j < rows; j++) s[j] = w[j * cols] * x[0];
    if (cols == 16) {
        UNROLL for (int i = 1; i < 16; i++)
            UNROLL for (int j = 0; j < rows; j++) s[j] += w[j * cols + i] * x[i];
    } else {
        for (int i = 1; i < cols; i++)
            UNROLL for (int j = 0; j < rows; j++) s[j] += w[j * cols + i] * x[i];
    }
    UNROLL for (int j = 0; j < rows; j++) y[j] = s[j];
}

INLINE void back(v8 *dx, const double *w, int rows, int cols, const v8 *d)
{ /* adds the sum of w[j][i] d[j] to 16 of the dx[i] */
    v8 s[16];
    UNROLL for (int i = 0; i < 16; i++) s[i] = dx[i];
    for (int j = 0; j < rows; j++) {
        v8 dj = d[j];
        UNROLL for (int i = 0; i < 16; i++) s[i] += w[j * cols + i] * dj;
    }
    UNROLL for (int i = 0; i < 16; i++) dx[i] = s[i];
}

INLINE v8 dot16(const v8 *x, const v8 *y)
{
    v8 s[4];
    UNROLL for (int i = 0; i < 4; i++) s[i] = x[i] * y[i];
    UNROLL for (int i = 4; i < 16; i++) s[i & 3] += x[i] * y[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

INLINE v8 normalize(v8 *y, const v8 *x)
{
    v8 scale = 1.0 / root(dot16(x, x) * (1.0 / WIDTH) + 1e-5);
    UNROLL for (int i = 0; i < WIDTH; i++) y[i] = x[i] * scale;
    return scale;
}

/* adds to dx; y = x scale, and d scale = -scale^3 x dx / WIDTH */
INLINE void normalize_back(v8 *dx, const v8 *dy, const v8 *y, v8 scale)
{
    v8 share = dot16(dy, y) * (1.0 / WIDTH);
    UNROLL for (int i = 0; i < WIDTH; i++) dx[i] += scale * (dy[i] - y[i] * share);
}

/* a step of Adam for the eight parameters from number i on */
INLINE void adapt(long i, v8 g, const Adam *adam)
{
    v8 *w = (v8 *)((double *)&gpt_w + i);
    v8 *mean = (v8 *)((double *)&gpt_mean + i), *square = (v8 *)((double *)&gpt_square + i);
    v8 m = *mean = adam->beta1 * *mean + (1 - adam->beta1) * g;
    v8 s = *square = adam->beta2 * *square + (1 - adam->beta2) * (g * g);
    *w -= adam->rate * m / (root(s * adam->unbias) + adam->epsilon);
}

/* what is done with eight gradients at once: they are written down, or used up by Adam */
INLINE void finish(double *place, v8 g, const Adam *adam)
{
    long i = place - (double *)&gpt_w;
    if (adam)
        adapt(i, g, adam);
    else
        *(v8 *)((double *)&gpt_g + i) = g;
}

/* the gradients of w[rows][cols]: d is [row] of tokens, x is [col] of tokens */
INLINE void weights(double *w, int rows, int cols, const v8 *d, const v8 *x, const Adam *adam)
{
    for (int col = 0; col < cols; col += 16) {
        v8 by_token[8][2];
        transpose(&by_token[0][0], 2, x + col, 1);
        transpose(&by_token[0][1], 2, x + col + 8, 1);
        for (int j = 0; j < rows; j++) {
            const double *dj = (const double *)&d[j];
            v8 a = dj[0] * by_token[0][0], b = dj[0] * by_token[0][1];
            UNROLL for (int t = 1; t < 8; t++) {
                a += dj[t] * by_token[t][0];
                b += dj[t] * by_token[t][1];
            }
            finish(w + j * cols + col, a, adam);
            finish(w + j * cols + col + 8, b, adam);
        }
    }
}

INLINE double gpt_loss(const Adam *adam)
{
    Gpt *w = &gpt_w;
    static v8 embedded[16], x0[16], x1[16], q[16], k[16], v[16], read[16], x2[16], x3[16];
    static v8 hidden[64], x4[16], scores[27], share[HEADS][8];
    v8 rows[8][2];

    UNROLL for (int t = 0; t < 8; t++)
        UNROLL for (int i = 0; i < 2; i++)
            rows[t][i] = *(v8 *)&w->in[gpt_token[t]][8 * i] + *(v8 *)&w->places[t][8 * i];
    transpose(embedded, 1, &rows[0][0], 2);
    transpose(embedded + 8, 1, &rows[0][1], 2);
    v8 scale0 = normalize(x0, embedded);
    v8 scale1 = normalize(x1, x0);
    UNROLL for (int j = 0; j < 16; j += 8) dots(q + j, 8, w->q[j], 16, x1);
    UNROLL for (int j = 0; j < 16; j += 8) dots(k + j, 8, w->k[j], 16, x1);
    UNROLL for (int j = 0; j < 16; j += 8) dots(v + j, 8, w->v[j], 16, x1);

    const l8 place = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int h = 0; h < HEADS; h++) {
        const v8 *qh = q + h * SIZE;
        v8 e[8], y[SIZE], most, total = all(0);
        UNROLL for (int s = 0; s < 8; s++) {
            v8 score = all(0);
            UNROLL for (int i = 0; i < SIZE; i++) score += qh[i] * ((double *)&k[h * SIZE + i])[s];
            e[s] = score * 0.5; /* the root of SIZE */
            most = s ? larger(most, e[s] - where(place < s, all(1e300))) : e[0];
        }
        UNROLL for (int s = 0; s < 8; s++) {
            e[s] = where(place >= s, exponential(e[s] - most));
            total += e[s];
        }
        v8 scale = 1.0 / total;
        UNROLL for (int i = 0; i < SIZE; i++) y[i] = all(0);
        UNROLL for (int s = 0; s < 8; s++) {
            v8 p = share[h][s] = e[s] * scale;
            UNROLL for (int i = 0; i < SIZE; i++) y[i] += p * ((double *)&v[h * SIZE + i])[s];
        }
        UNROLL for (int i = 0; i < SIZE; i++) read[h * SIZE + i] = y[i];
    }
    UNROLL for (int j = 0; j < 16; j += 8) dots(x2 + j, 8, w->o[j], 16, read);
    UNROLL for (int i = 0; i < 16; i++) x2[i] += x0[i];
    v8 scale3 = normalize(x3, x2);
    for (int j = 0; j < HIDDEN; j += 8) {
        dots(hidden + j, 8, w->up[j], 16, x3);
        UNROLL for (int i = 0; i < 8; i++) hidden[j + i] = larger(hidden[j + i], all(0));
    }
    dots(x4, 16, w->down[0], 64, hidden);
    UNROLL for (int i = 0; i < 16; i++) x4[i] += x2[i];
    for (int j = 0; j < VOCABULARY; j += 9) dots(scores + j, 9, w->out[j], 16, x4);

    v8 most = scores[0], total = all(0), right = all(0);
    for (int j = 1; j < VOCABULARY; j++) most = larger(most, scores[j]);
    static v8 d_scores[VOCABULARY];
    for (int j = 0; j < VOCABULARY; j++) {
        v8 less = scores[j] - most;
        right += gpt_target[j] * less;
        v8 e = d_scores[j] = exponential(less);
        total += e;
    }
    /* the sum of the logarithms is that of the product */
    double product = ((total[0] * total[1]) * (total[2] * total[3])) *
                     ((total[4] * total[5]) * (total[6] * total[7]));
    double loss = (log(product) - sum(right)) / TOKENS;
    v8 scale = (1.0 / TOKENS) / total;
    for (int j = 0; j < VOCABULARY; j++)
        d_scores[j] = d_scores[j] * scale - gpt_target[j] * (1.0 / TOKENS);

    static v8 d4[16], d_hidden[64], d3[16], d2[16], d_read[16], dq[16], dk[16], dv[16], d1[16];
    static v8 d0[16], d_in[16];
    UNROLL for (int i = 0; i < 16; i++) d4[i] = all(0);
    back(d4, w->out[0], VOCABULARY, 16, d_scores);
    for (int i = 0; i < HIDDEN; i += 16) {
        UNROLL for (int j = 0; j < 16; j++) d_hidden[i + j] = all(0);
        back(d_hidden + i, w->down[0] + i, 16, 64, d4);
        UNROLL for (int j = 0; j < 16; j++)
            d_hidden[i + j] = where(hidden[i + j] > 0.0, d_hidden[i + j]);
    }
    UNROLL for (int i = 0; i < 16; i++) {
        d3[i] = d_read[i] = d1[i] = d_in[i] = all(0);
        d2[i] = d4[i];
    }
    back(d3, w->up[0], HIDDEN, 16, d_hidden);
    normalize_back(d2, d3, x3, scale3);
    back(d_read, w->o[0], 16, 16, d2);

    for (int h = 0; h < HEADS; h++) {
        const v8 *d = d_read + h * SIZE, *qh = q + h * SIZE;
        v8 ds[8], turned[8], inner = all(0), y[SIZE];
        UNROLL for (int s = 0; s < 8; s++) {
            v8 a = all(0);
            UNROLL for (int i = 0; i < SIZE; i++) a += d[i] * ((double *)&v[h * SIZE + i])[s];
            ds[s] = a;
            inner += share[h][s] * a;
        }
        UNROLL for (int i = 0; i < SIZE; i++) y[i] = all(0);
        UNROLL for (int s = 0; s < 8; s++) {
            ds[s] = share[h][s] * (ds[s] - inner) * 0.5;
            UNROLL for (int i = 0; i < SIZE; i++) y[i] += ds[s] * ((double *)&k[h * SIZE + i])[s];
        }
        UNROLL for (int i = 0; i < SIZE; i++) dq[h * SIZE + i] = y[i];
        transpose(turned, 1, ds, 1);
        UNROLL for (int i = 0; i < SIZE; i++) {
            v8 a = all(0);
            UNROLL for (int t = 0; t < 8; t++) a += turned[t] * ((double *)&qh[i])[t];
            dk[h * SIZE + i] = a;
        }
        transpose(turned, 1, share[h], 1);
        UNROLL for (int i = 0; i < SIZE; i++) {
            v8 a = all(0);
            UNROLL for (int t = 0; t < 8; t++) a += turned[t] * ((double *)&d[i])[t];
            dv[h * SIZE + i] = a;
        }
    }
    back(d1, w->q[0], 16, 16, dq);
    back(d1, w->k[0], 16, 16, dk);
    back(d1, w->v[0], 16, 16, dv);
    UNROLL for (int i = 0; i < 16; i++) d0[i] = d2[i];
    normalize_back(d0, d1, x1, scale1);
    normalize_back(d_in, d0, x0, scale0);

    weights(w->out[0], VOCABULARY, 16, d_scores, x4, adam);
    weights(w->down[0], 16, 64, d4, hidden, adam);
    weights(w->up[0], HIDDEN, 16, d_hidden, x3, adam);
    weights(w->o[0], 16, 16, d2, read, adam);
    weights(w->q[0], 16, 16, dq, x1, adam);
    weights(w->k[0], 16, 16, dk, x1, adam);
    weights(w->v[0], 16, 16, dv, x1, adam);

    static v8 tokens[VOCABULARY][2];
    memset(tokens, 0, sizeof tokens);
    transpose(&rows[0][0], 2, d_in, 1);
    transpose(&rows[0][1], 2, d_in + 8, 1);
    UNROLL for (int t = 0; t < 8; t++)
        UNROLL for (int i = 0; i < 2; i++) {
            tokens[gpt_token[t]][i] += rows[t][i];
            finish(&w->places[t][8 * i], rows[t][i], adam);
            finish(&w->places[t + 8][8 * i], all(0), adam);
        }
    for (int j = 0; j < VOCABULARY; j++)
        UNROLL for (int i = 0; i < 2; i++) finish(&w->in[j][8 * i], tokens[j][i], adam);
    return loss;
}

/* the marks and letters of one name, nine of them */
void W3_data(const double *tokens)
{
    memset(gpt_target, 0, sizeof gpt_target);
    for (int t = 0; t < TOKENS; t++) {
        gpt_token[t] = (int)tokens[t];
        ((double *)&gpt_target[(int)tokens[t + 1]])[t] = 1;
    }
}

void W3_set(double *w)
{
    memcpy(&gpt_w, w, sizeof gpt_w);
    memset(&gpt_mean, 0, sizeof gpt_mean);
    memset(&gpt_square, 0, sizeof gpt_square);
    gpt_steps = 0;
}

void W3_get(double *w) { memcpy(w, &gpt_w, sizeof gpt_w); }

double W3_gradient(double *g)
{
    double loss = gpt_loss(0);
    memcpy(g, &gpt_g, sizeof gpt_g);
    return loss;
}

INLINE Adam gpt_step(double rate, double beta1, double beta2, double epsilon)
{
    gpt_steps++;
    return (Adam){beta1, beta2, rate / (1 - pow(beta1, gpt_steps)),
                  1 / (1 - pow(beta2, gpt_steps)), epsilon};
}

void W3_train(double *losses, long steps, double rate, double beta1, double beta2, double epsilon)
{
    for (long step = 0; step < steps; step++) {
        Adam adam = gpt_step(rate, beta1, beta2, epsilon);
        losses[step] = gpt_loss(0);
        for (long i = 0; i < GPT_NUMBERS; i += 8) adapt(i, *(v8 *)((double *)&gpt_g + i), &adam);
    }
}

/* the update inside of the sums of the gradients, which are not there afterwards */
void W3_train_inside(double *losses, long steps, double rate, double beta1, double beta2,
                     double epsilon)
{
    for (long step = 0; step < steps; step++) {
        Adam adam = gpt_step(rate, beta1, beta2, epsilon);
        losses[step] = gpt_loss(&adam);
    }
}
