@0xb5c1d2e3f4a59687;
# The change record: one Save. Header and ops are separate blobs, each one Cap'n Proto segment without a segment table, so that
# hashes can be checked and bytes kept without decoding either, and an op that a reader does not understand is kept byte for byte:
#
#   recHash = SHA-256("hmis-rec/1"  || header || SHA-256(op 1) || SHA-256(op 2) ...)
#   h(n)    = SHA-256("hmis-sync/1" || h(n-1) || recHash(n))
#
# At most 192 KiB a record (header and ops together), checked at Save. Ordinals are never reused.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("streetlog::wire");

struct Id128 { hi @0 :UInt64; lo @1 :UInt64; }   # bytes 0-7 and 8-15 of the id, most significant first

struct Replica { device @0 :Id128; incarnation @1 :UInt32; }

struct Dot {                  # names one op of one record
  replica @0 :UInt16;         # 0 = the author; n = Header.replicas[n-1]
  op      @1 :UInt16;
  seq     @2 :UInt64;
}

struct Cell {
  column @0 :UInt16;
  union {
    absent   @1 :Void;
    int      @2 :Int64;
    text     @3 :Text;
    data     @4 :Data;
    codes    @5 :List(UInt16);
    redacted @6 :Void;        # the author had it only in redacted form and left it so
  }
}

struct Op {
  entity     @0 :Id128;
  kind       @1 :UInt16;      # sync/change/record.hpp: OpKind
  table      @2 :UInt16;
  group      @3 :UInt16;      # atomic field group inside the table; 0 = keys only
  cells      @4 :List(Cell);
  supersedes @5 :List(Dot);   # exactly the siblings the writer had on screen, in full
  profile    @6 :List(Id128); # other members of a merged profile whose siblings were on screen
}

struct ClockEvidence {
  bootId            @0 :UInt64;
  bootMs            @1 :UInt64;   # CLOCK_BOOTTIME
  suspendedMs       @2 :UInt64;   # CLOCK_BOOTTIME - CLOCK_MONOTONIC
  suspends          @3 :UInt32;   # suspends in this boot, 0xffffffff = unknown
  flags             @4 :UInt32;   # sync/change/record.hpp: ClockFlags
  anchorHubMs       @5 :Int64;    # last hub time learnt; 0 = never
  anchorBootId      @6 :UInt64;
  anchorBootMs      @7 :UInt64;
  anchorWallMs      @8 :Int64;
  anchorErrMs       @9 :UInt32;
  anchorSuspends    @10 :UInt32;
  anchorSuspendedMs @11 :UInt64;
}

struct Header {
  device      @0 :Id128;
  incarnation @1 :UInt32;
  schema      @2 :UInt32;     # catalogue bundle the form was filled under
  seq         @3 :UInt64;     # from 1, without gaps
  hlc         @4 :UInt64;
  baseHubSeq  @5 :UInt64;     # newest hub sequence applied when Save was pressed
  recordedMs  @6 :Int64;      # device wall clock at Save
  occurredMs  @7 :Int64;      # interaction time
  tzMinutes   @8 :Int16;      # offset of the recording device, minutes east of Greenwich
  kind        @9 :UInt16;     # sync/change/record.hpp: EventKind
  source      @10 :UInt16;    # sync/change/record.hpp: TimeSource
  flags       @11 :UInt16;    # sync/change/record.hpp: RecordFlags
  user        @12 :UInt32;    # number of the user who held the device; 0 = nobody
  clock       @13 :ClockEvidence;   # at Save
  occurredClock @14 :ClockEvidence; # when "Now" was pressed; absent when the time was typed
  replicas    @15 :List(Replica);   # replicas named by dots in supersedes
  workflow    @16 :Data;      # id of the workflow instance, empty outside one
  forkOf      @17 :ForkOf;    # the record was stamped anew; absent otherwise
}

struct ForkOf { incarnation @0 :UInt32; seq @1 :UInt64; }   # of the same device: what it was called before

struct Parts { header @0 :Data; ops @1 :List(Data); }

struct Batch { records @0 :List(Parts); }   # consecutive records of one replica; compressed as a whole
