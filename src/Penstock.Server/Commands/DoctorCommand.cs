using System.CommandLine;
using Penstock.Server.Commands.Doctor;

namespace Penstock.Server.Commands;

/// <summary><c>penstock doctor</c></summary>
internal static class DoctorCommand
{
    private const string Description = """
        Checks what a server needs, and says what to mend: its configuration as it would be here (with what stands behind
        the command), its keys, its store, its queue, its providers; and, if a server answers, whether something before it
        holds answers back.

        Ends with 1 when something is wrong. Nothing is changed; the check of a proxy asks for one answer of the simulated
        model.
        """;

    public static Command New()
    {
        var command = new PenstockCommand("doctor", Description, "penstock doctor --server https://penstock.example.com") { TreatUnmatchedTokensAsErrors = false };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            if (SettingArguments.Mistake(result.UnmatchedTokens) is { } mistake) throw new UsageException(mistake);
            var report = new Report(result.InvocationConfiguration.Output);
            var configuration = ConfigurationOf([.. result.UnmatchedTokens]);
            if (await ConfigurationCheck.RunAsync(configuration, report) is { } options)
            {
                await KeysCheck.RunAsync(options, report);
                await StoreCheck.RunAsync(options, report);
                await QueueCheck.RunAsync(options, configuration, report);
                await ProvidersCheck.RunAsync(options, report);
            }

            await ProxyCheck.RunAsync(server.Address(result), server.NewClient(result), server.NamesServer(result), report);
            return report.HasFailed ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    // As the server finds it.
    private static IConfiguration ConfigurationOf(string[] args)
    {
        DotEnv.Load();
        return new ConfigurationBuilder().SetBasePath(Directory.GetCurrentDirectory())
            .AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().AddCommandLine(args).Build();
    }
}
