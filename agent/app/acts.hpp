#pragma once

#include <functional>
#include <string_view>

#include <boost/json/object.hpp>

#include "agent/app/answer.hpp"
#include "agent/app/device.hpp"
#include "agent/workflow/build.hpp"

namespace streetlog::agent {

/// The jobs of the field agent, as a command line asks for them and as the running program does
/// them for a command: one function, whoever holds the store. One thread.
class Acts {
  public:
    struct Hooks {
        std::function<void()> saved;                      // a record was appended
        std::function<boost::json::object()> sync_state;  // of the program that is running
    };

    explicit Acts(Device& device) : device_(device) {}

    Acts(Device& device, Hooks hooks) : device_(device), hooks_(std::move(hooks)) {}

    /// Everything but sync, which waits for the network (sync_once.hpp, serve.hpp). kUsage for a
    /// command that is not known; other errors as the command says. A request that is refused
    /// saves nothing.
    [[nodiscard]] Answer run(std::string_view command, const boost::json::object& arguments);

  private:
    [[nodiscard]] Answer save(std::string_view command, const boost::json::object& arguments);
    [[nodiscard]] Checked<BuiltSave> build(std::string_view command,
                                           const std::string& document,
                                           const BuildContext& context);
    [[nodiscard]] Result<std::string> document(std::string_view command,
                                               const boost::json::object& arguments,
                                               const BuildContext& context);
    [[nodiscard]] Result<boost::json::object> user(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> find(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> show(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> status();
    [[nodiscard]] Result<boost::json::object> verify(const boost::json::object& arguments);
    [[nodiscard]] Result<boost::json::object> rebuild();

    Device& device_;
    Hooks hooks_;
};

}  // namespace streetlog::agent
