using Penstock.Server;
using Penstock.Server.Commands;

return CommandLine.IsCommand(args) ? await CommandLine.RunAsync(args) : await Serving.RunAsync(args);
