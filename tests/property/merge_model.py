"""Executable model of the merge core (sync/merge/DESIGN.md): written for reading, not for speed, and the oracle the C++ core is
checked against. Standard library only.

  merge_model.py [trials] [seed]              random histories of one hub and several agents; every law below must hold
  merge_model.py --old [trials] [seed]        the same with one rule at a time replaced by its naive form: each must FAIL some history
  merge_model.py --corpus N FILE [seed]       N random histories with their canonical result, one JSON object a line

A history mixes: scope filters, state bundles of single entities, snapshot-loaded agents (also from stale snapshots), lost acks,
quarantine with release and reject, redacted siblings, edits on merged profiles, unlink, supersession of dots not yet written (attack),
and either a hub restored from an old backup (re-push with receipts, re-offered hub records, a new hub incarnation) or a cloned device
(fork, re-stamp). Clone and restore in one history are left out.

Laws: join laws; order independence under shuffled, duplicated delivery; compact state (sib + gone + hidden edges) == full history, at the
hub, at every agent within its scope and at agents loaded from a snapshot; no record lost or doubled; no lost write; no act of the hub
lost that a device had pulled; no pre-emptive erasure; no full number lost to a redacted cell; own views untouched by whatever was done on the
merged profile; linking alone opens no conflict; the partition is a pure function of the live edges, whatever dots or arrival order they have;
hlc_hub makes an interval step redundant. "returned" counts the one tolerated case: a record that others had pulled comes back after a
restore with a later receipt than the record that replaced it, and stands beside it for review.

Corpus line: {"id", "first": {entity: [received_ms, hubSeq]},
  "records": [{"replica": [device, incarnation], "seq", "receipt": [received_ms, hubSeq, lo, hi], "hidden": bool,
    "ops": [{"op", "entity", "group", "value", "class", "hlc", "redacted", "profile": [entity..], "supersedes": [dot..]}
          | {"op", "link": [a, b], "same", "strength", "millibits", "supersedes": [dot..]} | {"op", "unlink": true, "supersedes": [dot..]}
          | {"op", "verdict": "release" | "reject", "of": [device, incarnation, seq]}]}],
  "expect": {"own": {"entity/group": V}, "merged": {"canon/group": V}, "canon": {entity: canon}, "contradictions": [dot..], "sha256"}}
  with dot = [device, incarnation, seq, op]; V = {"siblings": [dot..] sorted, "winner": dot or null, "review": bool}; sha256 is over the
  rest of "expect" as JSON with sorted keys and separators (",", ":"). "hidden" is the state after the verdicts, whose records are in the
  list. Feed the records in any order, any number of times: the result must be the one expected. received_ms, lo, hi, hlc: plain integers.
"""
import functools, hashlib, itertools, json, random, sys
from dataclasses import dataclass, replace

NEW = dict(gone=True, edges=True, order=True, own=True); RULE = dict(NEW)   # --old switches one of them off
LATEST = (1 << 60, 0)                                   # place of a record without a receipt

# ---------- records ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class W:                                                # one write: an op that sets a field group
    dot: tuple; ent: int; grp: str; val: str; cls: int; hlc: int; sup: frozenset
    prof: frozenset = frozenset()                       # other members of the profile whose siblings were on screen
    red: bool = False                                   # carries a cell its author only had redacted
    uid: int = 0                                        # identity for the checks (twins share dots); no rule reads it
    reg = property(lambda s: (s.ent, s.grp)); key = property(lambda s: s.dot[:3])
@dataclass(frozen=True)
class L: dot: tuple; a: int; b: int; same: bool; strength: int; mb: int; sup: frozenset = frozenset(); red = False
@dataclass(frozen=True)
class U: dot: tuple; sup: frozenset; red = False        # unlink: withdraws link ops
@dataclass(frozen=True)
class V: dot: tuple; verdict: str; of: tuple            # a reviewer's release or reject of a quarantined record
@dataclass(frozen=True)
class Rec: key: tuple; ops: tuple; bad: bool = False; t: int = 0; uid: int = 0
def place(rc): return rc[:2] if rc else LATEST          # rc = (received_ms, hubSeq, lo, hi)
def first_receipt(a, b): return b if a is None else a if b is None else min(a, b)

# ---------- the rules, over full history ---------------------------------------------------------------------------
def counts(vdot, vrc, vred, wdot, wrc, wred):
    """Does the supersession of w by v count? Only w as the same replica's earlier record, or with the earlier first receipt."""
    if vred and not wred: return False                  # last-four on screen: never takes the nine digits away
    if not RULE['order']: return True
    return (vdot[:2] == wdot[:2] and wdot[2] < vdot[2]) or place(wrc) < place(vrc)

def full_view(ents, grp, writes, rc, hidden):
    """Visible siblings of a profile; one entity alone = its own view. Supersession passes through hidden writes, never starts at one."""
    ws = {w.dot: w for w in writes if w.grp == grp and (w.ent in ents or not RULE['own'])}
    gone = set(); todo = [(v, d) for v in ws.values() if v.key not in hidden for d in v.sup]
    while todo:
        v, d = todo.pop(); w = ws.get(d)
        if w is None or d in gone or not counts(v.dot, rc.get(v.key), v.red, d, rc.get(w.key), w.red): continue
        gone.add(d)
        if w.key in hidden: todo += [(w, x) for x in w.sup]
    return frozenset(w for w in ws.values() if w.ent in ents and w.key not in hidden and w.dot not in gone)

def hlc_hub(w, rc): return min(max(w.hlc, rc[2]), rc[3]) if rc else w.hlc
def winner(sib, rc):
    return max(sib, key=lambda w: (w.cls, hlc_hub(w, rc.get(w.key)), w.dot), default=None)
def review(sib):
    """Different values of one entity, or a value that a write made on the whole profile had not seen. Linking alone opens nothing."""
    return any((x.val, x.cls, x.red) != (y.val, y.cls, y.red) and (x.ent == y.ent or y.ent in x.prof or x.ent in y.prof) for x, y in itertools.combinations(sib, 2))

def partition(ops, rc, first):
    """Canonical id per entity, and contradictions: Kruskal by (strength desc, millibits desc, ids) over the live edges."""
    links = [o for o in ops if isinstance(o, L)]; by = {l.dot: l for l in links}
    gone = {d for o in ops if isinstance(o, (L, U)) for d in o.sup
            if d in by and counts(o.dot, rc.get(o.dot[:3]), False, d, rc.get(d[:3]), False)}
    live = [l for l in links if l.dot not in gone]; no = [l for l in live if not l.same]; up = {e: e for e in first}; bad = []
    def f(x):
        while up[x] != x: x = up[x]
        return x
    for e in sorted((l for l in live if l.same), key=lambda l: (-l.strength, -l.mb, min(l.a, l.b), max(l.a, l.b))):
        ra, rb = f(e.a), f(e.b)
        if ra == rb: continue
        if any(x.strength >= e.strength and {f(x.a), f(x.b)} == {ra, rb} for x in no): bad.append(e.dot); continue
        lo, hi = sorted((ra, rb), key=lambda x: (first[x], x)); up[hi] = lo      # the entity the hub received first
    return {e: f(e) for e in first}, frozenset(bad)

# ---------- the compact state a store really keeps -------------------------------------------------------------------
class Compact:
    """sib: writes still needed; gone: (target, by) under the SUPERSEDING write's register; hid: edges of hidden writes, without cells."""
    def __init__(s): s.sib = {}; s.gone = {}; s.hid = {}
    def copy(s, ents=None):
        c = Compact()
        for a, b in ((c.sib, s.sib), (c.gone, s.gone), (c.hid, s.hid)):
            for r, x in b.items():
                if ents is None or r[0] in ents: a[r] = dict(x)
        return c
    def put(s, w, rc):                                  # idempotent: needs no memory of what was applied before
        r = w.reg; s.hid.get(r, {}).pop(w.dot, None); s.sib.setdefault(r, {})[w.dot] = (w, rc)
        for d in w.sup: s.gone.setdefault(r, {})[d, w.dot] = (rc, w.red)
        s.gc(r)
    def hide(s, w, rc):
        r = w.reg; old = s.sib.get(r, {}).get(w.dot); g = s.gone.get(r, {})
        if (old and old[1]) or any(by == w.dot and x[0] for (_, by), x in g.items()): return      # released already
        s.drop(r, w.dot); s.hid.setdefault(r, {})[w.dot] = (w.sup, rc, w.red)
    def drop(s, r, dot):
        s.sib.get(r, {}).pop(dot, None); s.hid.get(r, {}).pop(dot, None)
        for k in [k for k in s.gone.get(r, {}) if k[1] == dot]: del s.gone[r][k]
    def dead(s, regs, final=False):
        know = {}; out = set()
        for r in regs:
            for d, (w, rc) in s.sib.get(r, {}).items(): know[d] = (rc, w.red, None)
            for d, (sup, rc, red) in s.hid.get(r, {}).items(): know[d] = (rc, red, sup)
        todo = [(by, rc, red, d) for r in regs for (d, by), (rc, red) in s.gone.get(r, {}).items() if rc or not final]
        while todo:
            by, brc, bred, d = todo.pop(); k = know.get(d)
            if k is None or d in out or not counts(by, brc, bred, d, k[0], k[1]): continue
            out.add(d)
            if k[2] is not None: todo += [(d, k[0], k[1], x) for x in k[2]]
        return out
    def gc(s, r):                                       # rows go for good only under a receipted, accepted superseder
        for d in s.dead([r], final=True): s.sib.get(r, {}).pop(d, None)
    def view(s, ents, grp):
        regs = [(e, grp) for e in ents]; over = regs if RULE['own'] else [r for r in s.sib if r[1] == grp]; dead = s.dead(over)
        return {d: x for r in regs for d, x in s.sib.get(r, {}).items() if d not in dead}

# ---------- hub ------------------------------------------------------------------------------------------------------
class Hub:
    def __init__(s): s.log = []; s.incs = 0; s.start()
    def start(s):                                       # a new incarnation at every start: its dots are never reused
        s.incs += 1; s.inc = s.incs; s.n = 0; s.snaps = []
        s.recs = {}; s.rc = {}; s.verdict = {}; s.acked = {}; s.at = {}; s.rel = {}; s.c = Compact(); log, s.log = s.log, []
        for e in log: s.append(*e)
    def hidden(s, k): return s.recs[k].bad and s.verdict.get(k) != 'release'
    def append(s, uid, rec, rc):
        s.log.append((uid, rec, rc)); s.at[rec.key] = len(s.log); s.recs[rec.key] = rec; s.rc[rec.key] = rc; s.acked.setdefault(rec.key[:2], []).append(rec)
        for o in rec.ops:
            if isinstance(o, W): s.show(o, rc)
            elif isinstance(o, V):
                if s.verdict.get(o.of) != 'release': s.verdict[o.of] = o.verdict      # two reviewers: release wins
                if o.verdict == 'release': s.rel.setdefault(o.of, len(s.log))
                if o.of in s.recs and not s.hidden(o.of):
                    for w in s.recs[o.of].ops: s.show(w, s.rc[o.of])
    def show(s, w, rc): (s.c.hide if s.hidden(w.key) else s.c.put)(w, rc)
    def ingest(s, w, rec, rc):
        if rec.key in s.recs: return s.rc[rec.key]      # same dot: re-acked with the receipt it has
        if rc is None: err = w.rng.choice([5, 60, 300]); rc = (w.now, len(s.log) + 1, rec.t - err, min(rec.t + err, w.now))
        s.append(w.uid(), rec, rc); return rc
    def author(s, w, mk):
        s.n += 1; k = (0, s.inc, s.n); u = w.uid(); w.acts.add(u); s.ingest(w, Rec(k, (mk((*k, 0)),), False, w.now, u), None)
    def ops(s, cls): return [o for r in s.recs.values() for o in r.ops if isinstance(o, cls)]
    def first(s, n):
        f = {e: LATEST for e in range(n)}
        for o in s.ops(W): f[o.ent] = min(f[o.ent], place(s.rc[o.key]))
        return f
    def snapshot(s): s.snaps.append((len(s.log), s.c.copy(), {r: len(x) for r, x in s.acked.items()}))

# ---------- agent ----------------------------------------------------------------------------------------------------
class Agent:
    def __init__(s, dev, scope, evil=False, redact=False):
        s.dev = dev; s.inc = 1; s.scope = set(scope); s.evil = evil; s.redact = redact
        s.own = {(dev, 1): []}; s.rc = {}; s.c = Compact(); s.cursor = s.newest = (0, 0); s.hubrecs = {}; s.first = {}
    def twin(s):
        b = Agent(s.dev, s.scope, s.evil, s.redact); b.inc = s.inc; b.own = {r: list(x) for r, x in s.own.items()}; b.rc = dict(s.rc)
        b.c = s.c.copy(); b.cursor = s.cursor; b.newest = s.newest; b.hubrecs = dict(s.hubrecs); b.first = dict(s.first); return b
    def canon(s, n):
        ops = [o for r, _ in s.hubrecs.values() for o in r.ops]; rc = {k: c for k, (_, c) in s.hubrecs.items()}
        return partition(ops, rc, {e: s.first.get(e, LATEST) for e in range(n)})[0]
    def verdicts(s):
        v = {}
        for r, _ in s.hubrecs.values():
            for o in r.ops:
                if isinstance(o, V) and v.get(o.of) != 'release': v[o.of] = o.verdict
        return v
    def screen(s, ents, grp):                           # its own quarantined records stay on its screen until rejected
        c = s.c.copy(); v = s.verdicts()
        for recs in s.own.values():
            for r in recs:
                if r.bad and r.key in s.rc and v.get(r.key) != 'reject':
                    for w in r.ops: c.put(w, s.rc[r.key])
        return [w for w, _ in c.view(ents, grp).values()]
    def save(s, w):
        rng = w.rng; ops = []; recs = s.own[s.dev, s.inc]; key = (s.dev, s.inc, len(recs) + 1); canon = s.canon(w.n)
        for op in range(rng.choice([1, 1, 2])):
            e = rng.choice(sorted(s.scope)); g = rng.choice(['name', 'ssn'])
            if any(o.ent == e and o.grp == g or canon[o.ent] == canon[e] for o in ops): continue
            mem = {x for x in s.scope if canon[x] == canon[e]} if rng.random() < .8 else {e}
            vis = s.screen(mem, g); red = False
            if g == 'ssn' and s.redact and any(not x.red for x in vis) and rng.random() < .6:
                red = True; full = vis; vis = [x for x in vis if x.red]     # not retyped: the full number is not named
            sup = {x.dot for x in vis}; u = w.uid(); w.onscreen[u] = frozenset(sup)
            if red and rng.random() < .3: sup = {x.dot for x in full}       # a faulty version names it all the same
            if s.evil and rng.random() < .5:                            # names dots nobody has written yet
                d = rng.randrange(1, w.devs + 1); k = w.top.get(d, 0); sup |= {(d, 1, k + i, o) for i in (1, 2, 3) for o in (0, 1)}
            ops.append(W(key + (op,), e, g, rng.choice('ABCD'), 2 if red else rng.choice([0, 1, 2, 3, 3]), max(0, w.now + w.skew[s.dev]),
                         frozenset(sup), frozenset(x.ent for x in vis if x.ent != e), red, u))
        r = Rec(key, tuple(ops), rng.random() < .12, w.now, w.uid()); recs.append(r); w.made.add(r.uid)
        w.top[s.dev] = max(w.top.get(s.dev, 0), key[2])
        for o in ops: s.c.put(o, None)
    def got_receipt(s, r, rc):
        s.rc[r.key] = first_receipt(s.rc.get(r.key), rc)
        for o in r.ops: (s.c.hide if r.bad and s.verdicts().get(r.key) != 'release' else s.c.put)(o, s.rc[r.key])
    def sync(s, w, faults=True):
        hub = w.hub; rng = w.rng
        for rep in list(s.own):                         # heads first: what is shared, lost or forked
            mine, theirs = s.own[rep], hub.acked.get(rep, [])
            n = next((i for i, (a, b) in enumerate(zip(mine, theirs)) if a.uid != b.uid), min(len(mine), len(theirs)))
            if n < min(len(mine), len(theirs)): s.fork(w, rep, n)
            for r in theirs[len(s.own[rep]):] if n == len(mine) else []: s.own[rep].append(r)      # rolled back: own records come back
            for r in s.own[rep][:n]: s.got_receipt(r, hub.rc[r.key])
        same = all(p == 0 or (p <= len(hub.log) and hub.log[p - 1][0] == h) for p, h in (s.cursor, s.newest))
        if not same:                                    # re-offer hub-authored records the hub has lost
            for r, rc in sorted(s.hubrecs.values(), key=lambda x: x[0].key): hub.ingest(w, r, rc)
        for rep in s.own:
            for r in s.own[rep][len(hub.acked.get(rep, [])):]:
                if faults and same and rng.random() < .1: break         # link cut
                rc = hub.ingest(w, r, s.rc.get(r.key))
                if not (faults and rng.random() < .15): s.got_receipt(r, rc)        # else the ack is lost
        if not same: s.load(w)
        if faults and rng.random() < .15: return
        for uid, rec, rc in hub.log[s.cursor[0]: s.cursor[0] + (rng.randrange(1, 9) if faults else 1 << 30)]:
            s.cursor = (s.cursor[0] + 1, uid); s.page(hub, rec, rc)
    def page(s, hub, rec, rc):
        for o in rec.ops:
            if isinstance(o, W): s.take(hub, o, rc)
            else:
                s.hubrecs[rec.key] = (rec, rc)
                if isinstance(o, V) and o.verdict == 'release' and hub.at.get(o.of, 1 << 60) <= s.cursor[0]:
                    for x in hub.recs[o.of].ops: s.take(hub, x, hub.rc[o.of])
        s.first = hub.first(16)
    def take(s, hub, o, rc):
        if o.key[:2] in s.own and o.key[2] <= len(s.own[o.key[:2]]): s.rc[o.key] = first_receipt(s.rc.get(o.key), rc)
        if o.ent not in s.scope: return
        if not hub.recs[o.key].bad or hub.rel.get(o.key, 1 << 60) <= s.cursor[0]: s.c.put(o, rc)    # as of the page's end, not of now
        elif RULE['edges']: s.c.hide(o, rc)             # dot + supersedes, no cells
        else: s.c.drop(o.reg, o.dot)
    def load(s, w):                                     # snapshot: state only, then the tail; own younger records on top
        hub = w.hub; good = [x for x in hub.snaps]
        if not good or w.rng.random() < .6: hub.snapshot(); good = hub.snaps[-1:]
        pos, c, acked = w.rng.choice(good); s.c = c.copy(s.scope)
        if not RULE['gone']: s.c.gone = {}
        if not RULE['edges']: s.c.hid = {}
        s.cursor = s.newest = (pos, hub.log[pos - 1][0] if pos else 0); s.hubrecs = {}; s.first = hub.first(16)
        for _, rec, rc in hub.log[:pos]:
            if any(isinstance(o, (L, U, V)) for o in rec.ops): s.hubrecs[rec.key] = (rec, rc)
        for rep, recs in s.own.items():
            for r in recs[acked.get(rep, 0):]:
                for o in r.ops: (s.c.hide if r.bad and r.key in s.rc else s.c.put)(o, s.rc.get(r.key))
    def enter(s, hub, e):                               # Enter: state bundle of one entity, newer than the cursor: remember its head too
        if e in s.scope: return
        if hub.log: s.newest = (len(hub.log), hub.log[-1][0])
        s.scope.add(e); x = hub.c.copy({e})
        if not RULE['gone']: x.gone = {}
        s.c.sib.update(x.sib); s.c.gone.update(x.gone); s.c.hid.update(x.hid if RULE['edges'] else {})
    def fork(s, w, rep, n):                             # keep what both share; re-stamp what only this twin has
        keep, mine = s.own[rep][:n], s.own[rep][n:]; s.own[rep] = keep; w.forks += 1
        for r in mine:
            for o in r.ops: s.c.drop(o.reg, o.dot)
        inc = w.uid() + 1000 if rep[1] == s.inc else s.inc
        s.inc = inc; new = s.own.setdefault((s.dev, inc), []); m = {}; base = len(new)
        for i, r in enumerate(mine):
            for o in r.ops: m[o.dot] = (s.dev, inc, base + i + 1, o.dot[3])
        for i, r in enumerate(mine):
            ops = tuple(replace(o, dot=m[o.dot], sup=frozenset(m.get(d, d) for d in o.sup)) for o in r.ops); s.rc.pop(r.key, None)
            for o in ops: w.onscreen[o.uid] = frozenset(m.get(d, d) for d in w.onscreen[o.uid])
            new.append(replace(r, key=(s.dev, inc, base + i + 1), ops=ops))
            for o in ops: s.c.put(o, None)

# ---------- a random history -------------------------------------------------------------------------------------------
class World:
    def __init__(s, rng, steps=45):
        s.rng = rng; s.now = 1000; s.u = 0; s.hub = Hub(); s.n = rng.randrange(2, 6); s.devs = rng.randrange(2, 5); s.top = {}; s.forks = 0
        s.made = set(); s.acts = set(); s.onscreen = {}; s.skew = {d: rng.choice([0, 0, 0, rng.randrange(-400, 400)]) for d in range(1, 9)}
        ents = range(s.n); some = lambda: ents if rng.random() < .5 else rng.sample(ents, rng.randrange(1, s.n + 1))
        s.agents = [Agent(d, some(), d == 1 and rng.random() < .5, rng.random() < .3) for d in range(1, s.devs + 1)]
        s.fault = rng.choice(['restore', 'clone', 'none']); s.restored = False; done = False; hub = s.hub
        for t in range(steps):
            s.now += rng.randrange(1, 40); x = rng.random(); a = rng.choice(s.agents)
            if x < .45: a.save(s)
            elif x < .74: a.sync(s)
            elif x < .81 and s.n > 1: i, j = rng.sample(ents, 2); hub.author(s, lambda d: L(d, i, j, rng.random() < .8, rng.choice([1, 2, 3]), rng.randrange(4)))
            elif x < .85:
                live = [l.dot for l in hub.ops(L)]
                if live: hub.author(s, lambda d: U(d, frozenset(rng.sample(live, 1))))
            elif x < .89:
                q = sorted(k for k in hub.recs if hub.recs[k].bad and k not in hub.verdict)
                if q: hub.author(s, lambda d: V(d, rng.choice(['release', 'reject']), rng.choice(q)))
            elif x < .92: hub.snapshot()
            elif x < .95: a.enter(hub, rng.choice(ents))
            elif x < .97 and len(s.agents) < 6:
                b = Agent(len(s.agents) + 10, some()); s.skew[b.dev] = 0; b.load(s); s.agents.append(b)
            elif not done and t > 10 and s.fault == 'restore':
                done = s.restored = True; s.restore(rng.randrange(len(hub.log) + 1))
            elif not done and t > 5 and s.fault == 'clone': done = True; s.agents.append(a.twin())
        for a in rng.sample(s.agents, len(s.agents)): a.sync(s, False)
        for a in s.agents + s.agents: s.now += 1; a.sync(s, False)
    def uid(s): s.u += 1; return s.u
    def restore(s, n):                                  # acts nobody had pulled are lost with the disk; nothing else may be
        s.acts -= {r.uid for _, r, _ in s.hub.log[n:] if not r.key[0]} - {r.uid for a in s.agents for r, _ in a.hubrecs.values()}
        del s.hub.log[n:]; s.hub.start()

def check(w):
    hub = w.hub; rng = w.rng; ws = hub.ops(W); rc = hub.rc; hid = {k for k in hub.recs if hub.hidden(k)}; by = {x.dot: x for x in ws}
    links = hub.ops((L, U)); canon, bad = partition(links, rc, hub.first(w.n)); stat = dict(returned=0)
    groups = [{e for e in range(w.n) if canon[e] == r} for r in sorted(set(canon.values()))]
    profiles = [{e} for e in range(w.n)] + [g for g in groups if len(g) > 1]
    ref = {(frozenset(p), g): full_view(p, g, ws, rc, hid) for p in profiles for g in ('name', 'ssn')}
    # join laws, over sets of (write, receipt) facts
    a, b, c = (frozenset(rng.sample(ws, rng.randrange(len(ws) + 1))) for _ in range(3))
    assert a | b == b | a and a | (b | c) == (a | b) | c and a | a == a
    # no lost record, and one content a dot
    assert sorted(r.uid for r in hub.recs.values() if r.key[0]) == sorted(w.made), 'a record was lost or doubled'
    assert {r.uid for r in hub.recs.values() if not r.key[0]} == w.acts, 'an act of the hub was lost'
    # compact == full, hub and shuffled duplicates, also starting from a snapshot taken half way
    ev = [(x, k) for x in ws for k in (['put'] if x.key not in hid else ['hide'])]
    ev += [(x, 'hide') for x in ws if hub.recs[x.key].bad and x.key not in hid]
    stores = [hub.c]
    for _ in range(2):
        q = ev * 2; rng.shuffle(q); c = Compact(); cut = rng.randrange(len(q) + 1)
        for i, (x, k) in enumerate(q):
            if i == cut: c = c.copy()
            if k == 'put' or RULE['edges']: getattr(c, k)(x, rc[x.key])
        stores.append(c)
    for c in stores:
        for (p, g), v in ref.items(): assert set(c.view(p, g)) == {x.dot for x in v}, 'compact state differs from full history'
    # agents, within their scope
    for ag in w.agents:
        for p in profiles:
            q = p & ag.scope
            for g in ('name', 'ssn') if q else ():
                got = ag.c.view(q, g); want = full_view(q, g, ws, rc, hid)
                assert set(got) == {x.dot for x in want}, 'agent differs from hub'
                assert all(r == rc[x.key] for x, r in got.values()), 'receipt differs'
                assert winner([x for x, _ in got.values()], rc) == winner(want, rc)
        assert {e: ag.canon(w.n)[e] for e in range(w.n)} == canon, 'partition differs'
    # own views: exactly what remains when every trace of other entities is struck out
    bare = [replace(x, sup=frozenset(d for d in x.sup if d not in by or by[d].ent == x.ent)) for x in ws]
    saved, RULE['own'] = RULE['own'], True
    strict = {(e, g): {x.dot for x in full_view({e}, g, bare, rc, hid)} for e in range(w.n) for g in ('name', 'ssn')}
    RULE['own'] = saved
    for (e, g), v in strict.items(): assert v == {x.dot for x in ref[frozenset({e}), g]}, 'own view not exact after unlink'
    # No lost write: gone only by a write that saw it (or, under attack, by one received later); a pre-emptive naming never erases
    for x in ws:
        if x.key in hid or x.dot in {y.dot for y in ref[frozenset({x.ent}), x.grp]}: continue
        ok = any(x.dot in v.sup and v.reg == x.reg and (x.dot in w.onscreen[v.uid] or place(rc[x.key]) < place(rc[v.key])) for v in ws)
        assert ok, 'a value was erased that nobody had seen'
        assert x.red or any(x.dot in v.sup and not v.red for v in ws), 'a redacted cell took the full number away'
    for (p, g), v in ref.items():                       # the converse: what was seen and replaced does not come back
        dots = {x.dot for x in v}
        for x in ws:
            if x.key in hid or x.ent not in p or x.grp != g: continue
            for d in sorted(x.sup & w.onscreen[x.uid] & dots):
                if by[d].ent in p:
                    assert w.restored and place(rc[by[d].key]) > place(rc[x.key]), 'a replaced value came back'
                    stat['returned'] += 1               # restore before the author had its ack: shown again, for review
    # linking alone opens no conflict
    for p, g in ref:
        if len(p) > 1 and review(ref[p, g]):
            assert any(x.prof for x in ref[p, g]) or any(review(ref[frozenset({e}), g]) for e in p), 'a link opened a conflict'
    # partition: other dots, other arrival order, same edges -> same partition
    live = [l for l in links if isinstance(l, L) and not any(l.dot in o.sup for o in links)]; f = hub.first(w.n)
    if not any(isinstance(o, U) and not o.sup for o in links):
        q = list(live); rng.shuffle(q)
        assert partition([replace(l, dot=(9, 9, i, 0)) for i, l in enumerate(q)], {}, f)[0] == partition(live, {}, f)[0]
        assert partition(live, {}, f)[0] == canon
    # hlc_hub inside [lo, hi] makes "drop what is certainly older" redundant
    for v in ref.values():
        if v:
            top = max(x.cls for x in v); k = [x for x in v if x.cls == top]
            k = [x for x in k if not any(rc[o.key][2] > rc[x.key][3] for o in k)]
            assert max(k, key=lambda x: (hlc_hub(x, rc[x.key]), x.dot)) == winner(v, rc)
    # two receipts: the smaller counts, in whatever order they are learnt
    some = [None, *rng.sample(sorted(rc.values()), min(3, len(rc)))]
    assert len({functools.reduce(first_receipt, p) for p in itertools.permutations(some)}) == 1
    stat['siblings'] = any(len(v) > 1 for (p, g), v in ref.items() if len(p) == 1); stat['merged'] = len(ref) > 2 * w.n
    stat['cross'] = any(x.prof for x in ws); stat['hidden'] = bool(hid); stat['fork'] = bool(w.forks); stat['restore'] = w.restored
    stat['attack'] = any(d not in w.onscreen[x.uid] and d in by for x in ws for d in x.sup); stat['redacted'] = any(x.red for x in ws)
    return stat, ref, canon, bad, hid

def corpus_line(i, w, ref, canon, bad, hid):
    hub = w.hub; dots = lambda s: sorted(list(d) for d in s)
    def op(o):
        if isinstance(o, W): return dict(op=o.dot[3], entity=o.ent, group=o.grp, value=o.val, **{'class': o.cls}, hlc=o.hlc, redacted=o.red,
                                         profile=sorted(o.prof), supersedes=dots(o.sup))
        if isinstance(o, L): return dict(op=o.dot[3], link=[o.a, o.b], same=o.same, strength=o.strength, millibits=o.mb, supersedes=dots(o.sup))
        if isinstance(o, U): return dict(op=o.dot[3], unlink=True, supersedes=dots(o.sup))
        return dict(op=o.dot[3], verdict=o.verdict, of=list(o.of))
    def view(v):
        x = winner(v, hub.rc); return dict(siblings=dots(y.dot for y in v), winner=list(x.dot) if x else None, review=review(v))
    own = {f'{min(p)}/{g}': view(v) for (p, g), v in ref.items() if len(p) == 1}
    merged = {f'{canon[min(p)]}/{g}': view(v) for (p, g), v in ref.items() if len(p) > 1}
    e = dict(own=own, merged=merged, canon={str(k): v for k, v in canon.items()}, contradictions=dots(bad))
    e['sha256'] = hashlib.sha256(json.dumps(e, sort_keys=True, separators=(',', ':')).encode()).hexdigest()
    recs = [dict(replica=list(k[:2]), seq=k[2], receipt=list(hub.rc[k]), hidden=k in hid, ops=[op(o) for o in r.ops]) for k, r in sorted(hub.recs.items())]
    return json.dumps(dict(id=i, first={str(k): list(v) for k, v in hub.first(w.n).items()}, records=recs, expect=e), separators=(',', ':'))

def main(argv):
    if argv[:1] == ['--corpus']:
        n, path = int(argv[1]), argv[2]; rng = random.Random(int(argv[3]) if len(argv) > 3 else 1)
        with open(path, 'w') as f:
            for i in range(n): w = World(rng); s, *x = check(w); f.write(corpus_line(i, w, *x) + '\n')
        return print(f'{n} histories written to {path}')
    old = argv[:1] == ['--old']; num = [int(x) for x in argv[old:]]; trials = num[0] if num else 3000; seed = num[1] if len(num) > 1 else 1
    if old:
        name = dict(gone='1 snapshots and Enter ship no `gone`', edges='2 quarantined writes are not sent at all',
                    order='3 every named dot is superseded', own="4 an entity's view uses the profile's supersessions")
        for k, text in name.items():
            rng = random.Random(seed); why = {}
            for _ in range(trials):
                RULE.update(NEW); RULE[k] = False
                try: check(World(rng))
                except AssertionError as e: why[str(e)] = why.get(str(e), 0) + 1
            RULE.update(NEW); print(f'old rule {text}: {sum(why.values())} of {trials} histories break a law {why}')
            assert why, 'the old rule was expected to fail'
        return
    rng = random.Random(seed); tot = {}
    for _ in range(trials):
        for k, v in check(World(rng))[0].items(): tot[k] = tot.get(k, 0) + int(v)
    print(f'{trials} histories: all laws hold. Of these: {tot}')
if __name__ == '__main__': main(sys.argv[1:])
