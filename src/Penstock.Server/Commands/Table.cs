using System.Globalization;
using System.Text;

namespace Penstock.Server.Commands;

/// <summary>Prints rows in columns.</summary>
internal static class Table
{
    public static async Task WriteAsync(TextWriter output, string[] head, IEnumerable<string[]> body)
    {
        List<string[]> rows = [head, .. body];
        var widths = Enumerable.Range(0, head.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            var line = new StringBuilder();
            for (var column = 0; column < row.Length; column++) line.Append(row[column].PadRight(widths[column] + 2));
            await output.WriteLineAsync(line.ToString().TrimEnd());
        }
    }

    public static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
