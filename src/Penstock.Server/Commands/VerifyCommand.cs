using System.Globalization;
using Penstock.Streams.Disk;

namespace Penstock.Server.Commands;

/// <summary><c>penstock verify</c></summary>
internal static class VerifyCommand
{
    public const string Help = """
        Reads every record of a data folder and says what is damaged. Changes nothing.

        Usage: penstock verify FOLDER

          FOLDER    a data folder (Penstock:Storage:Path), or a copy of one; its server must be stopped

        It ends with 0 when all is well, and with 1 when something is damaged. What the next start mends by itself
        (an unfinished last write, an index) is told and is no damage.

        Try:  penstock verify data
        """;

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        if (args is not [var folder]) throw new UsageException("Name one folder.");
        var check = FolderCheck.Run(folder);
        foreach (var finding in check.Findings)
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{finding.File} at {finding.Position}: {finding.What}"));
        var damages = check.Findings.Count(f => !f.IsHarmless);
        var totals = string.Create(CultureInfo.InvariantCulture, $"{check.Records} records of {check.Streams} streams in {check.Segments} segments, {check.Bytes} bytes");
        await output.WriteLineAsync(damages == 0 ? $"All is well: {totals}." : $"Damaged in {damages} {(damages == 1 ? "place" : "places")}. Whole: {totals}.");
        return damages == 0 ? 0 : 1;
    }
}
