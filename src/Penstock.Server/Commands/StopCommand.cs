using System.CommandLine;

namespace Penstock.Server.Commands;

/// <summary><c>penstock stop</c></summary>
internal static class StopCommand
{
    public static Command New()
    {
        var ids = new Argument<string[]>("ID") { Description = "The generations' ids.", Arity = ArgumentArity.OneOrMore };
        var command = new PenstockCommand("stop", "Stops generations, for all who watch them, and says how each has ended.", "penstock stop gen_0123456789abcdef0123456789abcdef") { ids };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = server.NewClient(result);
            foreach (var id in result.GetValue(ids)!)
            {
                var snapshot = await client.StopAsync(id);
                result.InvocationConfiguration.Output.WriteLine($"{snapshot.Id} {snapshot.Status}");
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
