@0xd1a7c02b9e5f4361;
# One message per binary WebSocket message, one segment without a segment table, at most 256 KiB. sync/session/DESIGN.md says
# who sends what and when. Ordinals are never reused; an unknown message is skipped unless `critical` is set.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("streetlog::wire");

using Id128 = import "record.capnp".Id128;

struct Position {             # a cursor carries the hash of the hub's chain there
  hubSeq  @0 :UInt64;
  hubHash @1 :Data;
  through @2 :UInt64;         # of a scope of states: what comes after hubSeq is there as well, up to here; else 0
}

struct Message {
  critical @0 :Bool;
  union {
    challenge @1 :Challenge;
    hello     @2 :Hello;
    helloAck  @3 :HelloAck;
    probe     @4 :Probe;
    probeAck  @5 :ProbeAck;
    push      @6 :Push;
    pushAck   @7 :PushAck;
    pull      @8 :Pull;
    page      @9 :Page;
    error     @10 :Error;
    bye       @11 :Bye;
    snapshotAsk      @12 :SnapshotAsk;
    snapshotManifest @13 :SnapshotManifest;
    snapshotGet      @14 :SnapshotGet;
    snapshotPiece    @15 :SnapshotPiece;
    nonceKept      @16 :NonceKept;
    askOwn         @17 :AskOwn;
    ownRecords     @18 :OwnRecords;
    compare        @19 :Compare;
    common         @20 :Common;
    askIncarnation @21 :AskIncarnation;
    incarnation    @22 :Incarnation;
    reoffer        @23 :Reoffer;
    reofferAck     @24 :ReofferAck;
    earlier        @25 :Earlier;
    carryOffer     @26 :CarryOffer;
    carryPiece     @27 :CarryPiece;
    carryAnswer    @28 :CarryAnswer;
  }
}

struct Challenge {            # hub -> agent, first message
  nonce    @0 :Data;
  hubMs    @1 :Int64;
  protocol @2 :UInt32;
  epoch    @3 :UInt64;        # alarm label only
  hub      @4 :Id128;         # the hub's id as an author
  hubKey   @5 :Data;          # Ed25519, by which it signs; a device takes the first it is shown
}

struct Hello {                # agent -> hub
  device       @0 :Id128;
  incarnation  @1 :UInt32;
  secret       @2 :Data;      # reserved: empty since certificates say who it is
  sessionNonce @3 :Data;      # what the last HelloAck gave out
  signature    @4 :Data;      # of the device: challenge, replica, own head, session nonce
  lastSeq      @5 :UInt64;    # newest own record
  headHash     @6 :Data;
  lastReceiptSeq @7 :UInt64;  # newest own record with a receipt
  scopes       @8 :List(ScopeCursor);
  signedHead   @9 :Data;      # newest head of the hub that the hub signed for this device
  bundle       @10 :UInt32;
  appVersion   @11 :Text;
  features     @12 :UInt64;
  freeDisk     @13 :UInt64;   # bytes
  unsent       @14 :UInt64;   # records
  oldestUnsentMs @15 :Int64;  # wall clock of the oldest unsent record, 0 = none
  reidentify @16 :Bool;       # the database is on another machine than it was: it may be a copy
  snapshot   @17 :Data;       # hash of the manifest of a snapshot of which a part is here
}

struct ScopeCursor { scope @0 :UInt32; cursor @1 :Position; newest @2 :Position; }

struct HelloAck {
  verdict     @0 :UInt16;     # sync/session/messages.hpp: HelloVerdict
  ackedSeq    @1 :UInt64;
  ackedHash   @2 :Data;
  scopes      @3 :List(ScopeGrant);
  nextNonce   @4 :Data;
  hubMs       @5 :Int64;
  credit      @6 :UInt64;     # bytes of push the agent may send in this session in all; later acks raise it
  bundle      @7 :UInt32;
  policy      @8 :UInt32;
  older       @9 :List(OlderReplica);   # what the hub has of the device's other incarnations
  hubs        @10 :List(OlderReplica);  # and of its own, when a cursor of the device is unknown to it
  features    @11 :UInt64;    # what this hub takes that earlier ones do not know: sync/session/messages.hpp
}

struct ScopeGrant {
  scope    @0 :UInt32;
  resume   @1 :Bool;
  snapshot @2 :Bool;          # load a snapshot first: less than reading the log from the cursor on
}

struct OlderReplica { incarnation @0 :UInt32; ackedSeq @1 :UInt64; ackedHash @2 :Data; }

struct Probe {                # agent -> hub; the device's unsettable clock, for the hub's own reading of it
  id          @0 :UInt32;
  bootMs      @1 :UInt64;
  bootId      @2 :UInt64;
  suspendedMs @3 :UInt64;
  suspends    @4 :UInt32;     # as in ClockEvidence
}
struct ProbeAck { id @0 :UInt32; bootMs @1 :UInt64; hubMs @2 :Int64; }

struct Push {
  firstSeq  @0 :UInt64;       # outside the body, so that an unreadable batch still has a range of sequences
  count     @1 :UInt32;
  rawBytes  @2 :UInt32;       # size of the body before compression
  encoding  @3 :UInt16;       # 0 as is, 1 zstd
  prevHash  @4 :Data;
  headHash  @5 :Data;
  signature @6 :Data;         # of the device: replica, last sequence, headHash
  body      @7 :Data;         # a Batch
  receipts  @8 :List(Receipt);   # of records that have one already (after a hub restore)
}

struct Receipt {              # of a run of consecutive records of one replica, received together
  device      @0 :Id128;
  incarnation @1 :UInt32;
  firstSeq    @2 :UInt64;
  lastSeq     @3 :UInt64;
  lastHash    @4 :Data;       # h(lastSeq), binds the content
  receivedMs  @5 :Int64;
  hubSeq      @6 :UInt64;     # of the first record; the others follow
  times       @7 :List(RecordTime);   # one a record
  signature   @8 :Data;       # of the hub, over all of the above; in pages only where it is of use later
}

struct RecordTime { hlcHub @0 :UInt64; lo @1 :Int64; hi @2 :Int64; }

struct PushAck {
  ackedSeq   @0 :UInt64;      # every record up to here is on the hub's disk
  receipts   @1 :List(Receipt);
  exceptions @2 :List(Exception);
  safeSeq    @3 :UInt64;      # in a verified backup
  credit     @4 :UInt64;      # as in HelloAck; never falls
  signedHead @5 :Data;        # epoch, hubSeq (8 bytes each, little-endian), hubHash, signature of the hub
}

struct Exception { seq @0 :UInt64; status @1 :UInt16; code @2 :UInt16; }   # sync/change/status.hpp

struct Pull {                 # the first of a scope starts reading, later ones confirm and raise the credit
  scope  @0 :UInt32;
  cursor @1 :Position;        # what the reader has committed
  credit @2 :UInt64;          # bytes of pages of this scope in this session in all
}

struct Page {
  scope    @0 :UInt32;
  runs     @1 :List(Run);
  next     @2 :Position;
  caughtUp @3 :Bool;
  # A scope of states has no runs but, of every entity written after the cursor, all of it (sync/session/state_rows.hpp; index_rows.hpp of the client index):
  asOf     @4 :UInt64;        # the states are of this place of the hub's log
  encoding @5 :UInt16;        # of states: 0 as is, 1 zstd
  rawBytes @6 :UInt32;
  states   @7 :Data;
  signedHead @8 :Data;        # of `next`, when caughtUp; as in PushAck
}

struct Run {                  # consecutive records of one replica as the hub took them
  receipt  @0 :Receipt;
  hubSeq   @1 :UInt64;        # place in this hub's log; differs from receipt.hubSeq only after a restore
  encoding @2 :UInt16;        # of body: 0 as is, 1 zstd, 2 none: the reader's own records
  rawBytes @3 :UInt32;
  body     @4 :Data;          # a Batch; a hidden record stands in it with no header and no ops
  hidden   @5 :List(HiddenRecord);
}

struct HiddenRecord {         # quarantined or held: edges, no cells
  seq    @0 :UInt64;
  status @1 :UInt16;
  code   @2 :UInt16;
  writes @3 :List(HiddenWrite);
}

struct HiddenWrite {
  entity   @0 :Id128;
  table    @1 :UInt16;
  group    @2 :UInt16;
  op       @3 :UInt16;
  redacted @4 :Bool;
  supersedes @5 :List(FullDot);
}

struct FullDot { device @0 :Id128; incarnation @1 :UInt32; op @2 :UInt16; seq @3 :UInt64; }

struct Error { code @0 :UInt16; class @1 :UInt16; retryAfterMs @2 :UInt32; expectedSeq @3 :UInt64; detail @4 :Text; }

struct Bye { reason @0 :UInt16; detail @1 :Text; }

struct SnapshotAsk {          # agent -> hub, where a scope was granted with `snapshot`
  scope   @0 :UInt32;
  ownFrom @1 :UInt64;         # own records from here on have no receipt here though the hub has them; 0: none
  have    @2 :Data;           # hash of the manifest of which something is here already
}

struct SnapshotManifest {     # hub -> agent; again whenever what was asked for is no longer on offer
  scope    @0 :UInt32;
  at       @1 :Position;      # states are of there; reading goes on from there. Zeros: none is to be had
  bundle   @2 :UInt32;        # newest bundle its states may use
  entities @3 :UInt64;
  chunks   @4 :Data;          # 42 bytes each: hash, packed size and unpacked size (u32), encoding (u16), little-endian
  own      @5 :List(Run);     # receipts and hidden of the reader's own records, no bodies
  ownMore  @6 :Bool;          # ask again for those that follow
}

struct SnapshotGet {          # agent -> hub: part of one chunk
  scope    @0 :UInt32;
  snapshot @1 :Data;          # the hash of the manifest, sync/session/snapshot.hpp
  chunk    @2 :UInt32;
  offset   @3 :UInt32;        # in the packed chunk
  bytes    @4 :UInt32;
}

struct SnapshotPiece { scope @0 :UInt32; snapshot @1 :Data; chunk @2 :UInt32; offset @3 :UInt32; body @4 :Data; }

struct NonceKept { nonce @0 :Data; }   # agent -> hub: it is on the device's disk; the one before is void

# A device that lacks records of its own which the hub has:
struct AskOwn { fromSeq @0 :UInt64; }
struct OwnRecords { runs @0 :List(Run); more @1 :Bool; }   # with bodies; the first run may begin before fromSeq

# A device that has other records than the hub under the same numbers:
struct Compare { points @0 :List(ChainPoint); }   # ascending
struct ChainPoint { seq @0 :UInt64; hash @1 :Data; }
struct Common { seq @0 :UInt64; }      # the newest point that the hub has, too; 0: none
struct AskIncarnation { common @0 :UInt64; }   # newest own record that keeps its number
struct Incarnation { incarnation @0 :UInt32; }

struct Reoffer { runs @0 :List(Run); }   # agent -> hub: records of the hub's own that it may have lost, with signed receipts
struct ReofferAck {}                     # they are on disk, or of no use; the next may come
struct Earlier { receipts @0 :List(Receipt); }   # agent -> hub: receipts earlier than those the hub sent for the same records

# A bundle of another device (bundle.capnp) that this one was given to carry; only to a hub that says it takes them:
struct CarryOffer { digest @0 :Data; bytes @1 :UInt64; }               # agent -> hub: SHA-256 of the file, and its size
struct CarryPiece { digest @0 :Data; offset @1 :UInt64; body @2 :Data; }   # agent -> hub: the next bytes, one at a time
struct CarryAnswer {          # hub -> agent: to each of these
  digest  @0 :Data;
  have    @1 :UInt64;         # the hub has it up to here
  outcome @2 :UInt16;         # sync/session/messages.hpp: CarryOutcome
  detail  @3 :Text;           # why, for people
}
