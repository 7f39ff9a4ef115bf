using System.Diagnostics;

namespace Penstock.Testing;

/// <summary>Waits for conditions, within a bound that fails the test.</summary>
public static class Eventually
{
    /// <summary>Far more than anything here takes, so that only a real hang meets it.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    /// <summary>Waits until the condition holds.</summary>
    /// <param name="condition">Asked every few milliseconds.</param>
    /// <param name="what">What is waited for, as the failure's message says it.</param>
    public static async Task Is(Func<Task<bool>> condition, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            if (waited.Elapsed > Limit) throw new TimeoutException($"Not within {Limit.TotalSeconds} s: {what}.");
            await Task.Delay(10);
        }
    }

    public static Task Is(Func<bool> condition, string what) => Is(() => Task.FromResult(condition()), what);

    /// <summary>Waits for a task, and names it when it does not complete.</summary>
    public static async Task Completes(Task task, string what, TimeSpan? limit = null)
    {
        try
        {
            await task.WaitAsync(limit ?? Limit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Not within {(limit ?? Limit).TotalSeconds} s: {what}.", e);
        }
    }
}
