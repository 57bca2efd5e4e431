#include "cli/server_options.h"

#include <CLI/CLI.hpp>

namespace hre::cli {

void define_server(CLI::App& app, ServerOptions& options) {
  app.add_option("--api-key-file", options.api_key_file,
                 "servers: a file whose first line is the API key (default: the environment variable HRE_API_KEY)")
      ->type_name("FILE");
  app.add_option("--ca-file", options.ca_file, "servers: certificates to trust (default: the system's)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile.description(""));
  app.add_option("--wait", options.wait_seconds, "servers: seconds to wait for a server that went away (default 60)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e9).description(""));
  app.add_option("--request-timeout", options.timeout_seconds,
                 "servers: seconds that one request may take (default 600)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, 1e9).description(""));
  app.add_option("--max-concurrency", options.most_in_flight,
                 "servers: maximum number of concurrent requests (default 256)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
}

}  // namespace hre::cli
