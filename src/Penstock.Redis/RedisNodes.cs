using System.Collections.Concurrent;
using System.Globalization;
using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>
/// Lets the processes that share this Redis ask each other: a question reaches all that listen, and each answers to whoever asked.
/// Redis says how many they are, so that nobody is waited for who has died.
/// </summary>
internal sealed class RedisNodes(RedisConnection redis)
{
    // For one that is frozen, or lost its connection and Redis does not know.
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(200);

    private readonly string _name = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<string, Asked> _asked = new(StringComparer.Ordinal); // by their numbers
    private Func<string, string> _answer = static _ => "";
    private long _lastNumber;

    private string Questions => $"penstock:nodes@{redis.Database}";

    /// <summary>Has questions answered from now on.</summary>
    public void Answer(Func<string, string> answer) => Volatile.Write(ref _answer, answer);

    /// <summary>The answers of all others that come at once.</summary>
    /// <exception cref="StreamStorageException">Redis has gone.</exception>
    public async ValueTask<IReadOnlyList<string>> AskAsync(string question)
    {
        var number = Interlocked.Increment(ref _lastNumber).ToString(CultureInfo.InvariantCulture);
        var asked = _asked[number] = new Asked();
        try
        {
            asked.Expect((int)await redis.ExecuteAsync(RedisConnection.Briefly, "PUBLISH", Questions, $"{_name} {number} {question}"));
            await asked.WaitAsync(_patience);
            return asked.Answers;
        }
        finally
        {
            _asked.TryRemove(number, out _);
        }
    }

    /// <summary>The connection has come, perhaps another one: questions and answers are listened for anew.</summary>
    public void FollowAnew()
    {
        _ = FollowAsync(Questions, HearQuestion);
        _ = FollowAsync(AnswersTo(_name), HearAnswer);
    }

    private string AnswersTo(string name) => $"penstock:nodes:{name}@{redis.Database}";

    private async Task FollowAsync(string channel, Action<RedisChannel, RedisValue> hear)
    {
        try
        {
            await redis.SubscribeAsync(channel, hear);
        }
        catch (Exception e) when (RedisConnection.IsAway(e))
        {
            // It listens again when Redis is back.
        }
    }

    private void HearQuestion(RedisChannel channel, RedisValue message)
    {
        if (((string?)message)?.Split(' ', 3) is not [var asker, var number, var question]) return;
        if (asker == _name) Hear(number, _name, answer: null); // we are among those that Redis has counted
        else _ = AnswerAsync(asker, number, question);
    }

    private async Task AnswerAsync(string asker, string number, string question)
    {
        try
        {
            await redis.ExecuteAsync(_patience, "PUBLISH", AnswersTo(asker), $"{number} {_name} {Volatile.Read(ref _answer)(question)}");
        }
        catch (Exception e) when (RedisConnection.IsAway(e))
        {
            // Whoever asked hears nobody now.
        }
    }

    private void HearAnswer(RedisChannel channel, RedisValue message)
    {
        if (((string?)message)?.Split(' ', 3) is [var number, var name, var answer]) Hear(number, name, answer);
    }

    private void Hear(string number, string name, string? answer)
    {
        if (_asked.TryGetValue(number, out var asked)) asked.Take(name, answer);
    }

    /// <summary>A question and what has been answered, each once however often it was sent.</summary>
    private sealed class Asked
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, string?> _answers = new(StringComparer.Ordinal);
        private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _expected = int.MaxValue; // until Redis has said

        public IReadOnlyList<string> Answers
        {
            get
            {
                lock (_gate) return [.. _answers.Values.OfType<string>()];
            }
        }

        public void Expect(int count)
        {
            lock (_gate)
            {
                _expected = count;
                Look();
            }
        }

        public void Take(string name, string? answer)
        {
            lock (_gate)
            {
                _answers[name] = answer;
                Look();
            }
        }

        public async Task WaitAsync(TimeSpan patience) => await _complete.Task.WaitAsync(patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        private void Look()
        {
            if (_answers.Count >= _expected) _complete.TrySetResult();
        }
    }
}
