#include <algorithm>

#include <fmt/format.h>

#include "sync/merge/merge.hpp"
#include "sync/session/batch.hpp"
#include "sync/session/evidence.hpp"
#include "tests/sim/agent.hpp"
#include "tests/sim/hub.hpp"

/// A device that loads a snapshot, step by step, while its worker goes on; that loses its place, or
/// is wiped; and whose records travel as files.
namespace streetlog::sim {

void SimAgent::retire() {
    retired_ = true;
    ++life_;
    disk.kill();
    lose_program();
}

std::optional<SimDisk::Image> SimAgent::image() const {
    if (!running() || busy_ || pending_) return std::nullopt;
    return disk.image();
}

void SimAgent::lose_place() {
    if (!connection_ || !dice_.chance(500)) return forget_place();
    // And with it the ack of what it saved just before.
    connection_->lose_next_ack();
    work();
    world_.events.in(Millis{dice_.between(1'000, 60'000)}, [this] { forget_place(); });
}

void SimAgent::forget_place() {
    if (!running() || store_->bootstrap()) return;
    const auto cursor = store_->cursor(hub::kScopeAll);
    if (!cursor || !*cursor) return;  // it is told of some projects
    killed();
    loses_place_ = true;
}

/// Some of its records, sent already or not.
std::optional<sync::Bundle> SimAgent::write_file(Dice& dice) {
    std::optional<sync::Bundle> out;
    act([&] {
        const auto head = store_->log().head();
        if (!head || head->last_seq == 0) return;
        const auto unsent = store_->oldest_unsent();
        auto next = unsent != 0 && dice.chance(700)
                        ? unsent
                        : static_cast<std::uint64_t>(
                              dice.between(1, static_cast<std::int64_t>(head->last_seq)));
        sync::Bundle bundle;
        bundle.hub = world_.hub->id;
        bundle.author = replica_;
        bundle.made = clock.read().wall;
        for (int i = 0; i < 3 && next <= head->last_seq; ++i) {
            auto push = sync::read_batch(
                store_->log(), next, {static_cast<std::uint32_t>(dice.between(1, 8))});
            if (!push && push.error().code == ErrorCode::kTooLarge)
                Truth::broken("a batch fits no file: " + push.error().message);
            if (!push) return;
            next += push->count;
            push->signature = sync::sign_batch(signing, replica_, next - 1, push->head_hash);
            bundle.pushes.push_back(*std::move(push));
        }
        out = std::move(bundle);
    });
    return out;
}

void SimAgent::read_answer(const std::vector<sync::PushAck>& acks) {
    act([&] {
        for (const auto& ack : acks)
            if (!store_->store_ack(ack)) return check_memory();
        ++world_.out.shapes["answers read"];
    });
}

void SimAgent::take_along(const sync::Bytes& bundle) {
    act([&] {
        if (!store_->carry("bundle", bundle, clock.read().wall)) return check_memory();
        ++world_.out.shapes["bundles carried"];
        if (session_ && !clock.suspended()) {
            session_->on_saved();
            step_session();
        }
    });
}

/// The steps of loading, between which anything may happen.
void SimAgent::work_soon() {
    if (working_ || !running()) return;
    if (!(session_ ? session_->work_due() : store_->bootstrap_due())) return;
    working_ = true;
    const auto wait =
        slow_steps_ && !world_.calm ? dice_.between(1'000, 240'000) : dice_.between(1, 50);
    world_.events.in(Millis{wait}, [this, life = life_] {
        if (life != life_) return;
        working_ = false;
        if (!running() || clock.suspended()) return;
        act([this] { step_of_work(); });
        if (!world_.calm && dice_.chance(150)) work();
        work_soon();
    });
}

void SimAgent::step_of_work() {
    const bool loading = store_->bootstrap().has_value();
    if (session_) {
        if (!session_->work())
            end_session();
        else
            step_session();
    } else if (store_->bootstrap_due() && !store_->bootstrap_step()) {
        check_memory();
        return;
    }
    if (!loading || !store_ || store_->bootstrap() || disk.crashed()) return;
    ++world_.out.shapes["snapshots loaded"];
    world_.say(name_ + " has loaded a snapshot");
    check_own_shown();
}

/// What its worker saved is on the screen, sent or not.
void SimAgent::check_own_shown() {
    const auto unsent = store_->oldest_unsent();
    if (unsent == 0) return;
    auto chain = saved_.chain;
    for (std::uint64_t seq = saved_.seq; seq >= unsent; --seq) {
        const auto* truth = world_.truth.find({replica_, seq}, chain);
        chain = truth->before;
        const auto record = sync::decode(sync::view_of(truth->bytes));
        if (!record) continue;
        for (std::size_t i = 0; i < record->ops.size(); ++i) {
            const auto& op = record->ops[i];
            if (op.entity.is_nil() || !sync::writes_value(op.kind)) continue;
            const auto state = store_->read().load(op.entity);
            if (!state) return;  // its disk does not read
            const sync::Dot dot{replica_, seq, static_cast<std::uint16_t>(i)};
            const auto reg = state->registers.find({op.table, op.group});
            const auto is_it = [&](const auto& of) { return of == dot; };
            const bool there =
                reg != state->registers.end() &&
                (std::ranges::any_of(reg->second.siblings, is_it, &sync::Sibling::dot) ||
                 std::ranges::any_of(reg->second.gone, is_it, &sync::Gone::target));
            if (!there)
                Truth::broken(fmt::format("{} does not show its own record {}", name_, seq));
        }
    }
    ++world_.out.shapes["own records looked for"];
}

}  // namespace streetlog::sim
