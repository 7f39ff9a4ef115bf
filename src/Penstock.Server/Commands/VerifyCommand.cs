using System.CommandLine;
using System.Globalization;
using Penstock.Streams.Disk;

namespace Penstock.Server.Commands;

/// <summary><c>penstock verify</c></summary>
internal static class VerifyCommand
{
    private const string Description = """
        Reads every record of a data folder and says what is damaged. Changes nothing.

        It ends with 0 when all is well, and with 1 when something is damaged. What the next start mends by itself
        (an unfinished last write, an index) is told and is no damage.
        """;

    public static Command New()
    {
        var folder = new Argument<string>("FOLDER") { Description = "A data folder (Penstock:Storage:Path), or a copy of one; its server must be stopped." };
        var command = new PenstockCommand("verify", Description, "penstock verify data") { folder };
        command.SetAction(result => Verify(result.GetValue(folder)!, result.InvocationConfiguration.Output));
        return command;
    }

    private static int Verify(string folder, TextWriter output)
    {
        var check = FolderCheck.Run(folder);
        foreach (var finding in check.Findings)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{finding.File} at {finding.Position}: {finding.What}"));
        var damages = check.Findings.Count(f => !f.IsHarmless);
        var totals = string.Create(CultureInfo.InvariantCulture, $"{check.Records} records of {check.Streams} streams in {check.Segments} segments, {check.Bytes} bytes");
        output.WriteLine(damages == 0 ? $"All is well: {totals}." : $"Damaged in {damages} {(damages == 1 ? "place" : "places")}. Whole: {totals}.");
        return damages == 0 ? ExitCodes.Done : ExitCodes.Failed;
    }
}
