@0xc8a1f04d7be35921;
# Records that travel as a file. A bundle is "SLBUNDL1" and a sealed Bundle (sync/change/seal.hpp): whoever carries it can
# neither read nor alter it. The answer is "SLREPLY1" and a BundleReply. Each is one segment without a segment table; ordinals
# are never reused.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("streetlog::wire");

using Id128 = import "record.capnp".Id128;

struct Bundle {               # device -> hub
  hub         @0 :Id128;      # whom it is for
  device      @1 :Id128;
  incarnation @2 :UInt32;
  madeMs      @3 :Int64;      # device wall clock; nothing is decided by it
  pushes      @4 :List(Data); # each a Message with a Push, in order of sequence
  signature   @5 :Data;       # of the device, over all of the above
}

struct BundleReply {          # hub -> device
  hub         @0 :Id128;
  device      @1 :Id128;
  incarnation @2 :UInt32;
  madeMs      @3 :Int64;      # hub time
  acks        @4 :List(Data); # each a Message with a PushAck
  signature   @5 :Data;       # of the hub, over all of the above
}
