using System.Globalization;
using System.Text.Json;
using Penstock.Bench.Load;
using Penstock.Bench.Runner;
using Penstock.Bench.Upstream;

// The upstream and the load run as processes of their own, started by the runner from this same executable.
switch (args)
{
    case ["upstream", ..]:
        using (var upstream = new UpstreamServer())
            upstream.Run(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 0);
        return 0;
    case ["load", .. var options]:
        using (var load = new LoadGenerator(LoadOptions.FromArguments(options)))
            Console.WriteLine(JsonSerializer.Serialize(load.Run(), LoadJson.Default.LoadReport));
        return 0;
    default:
        return await BenchCommand.RunAsync(args);
}
