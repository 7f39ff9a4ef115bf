using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Sse;
using Penstock.Streams;
using Penstock.Streams.Disk;
using Penstock.Tests.Sse;

namespace Penstock.Tests.Fuzz;

/// <summary>
/// Generated inputs against all that reads what strangers, providers and disks hold: some thousands each here, as many as
/// <c>PENSTOCK_FUZZ</c> says by <c>./test fuzz</c>. A failure names the input, which <c>PENSTOCK_FUZZ_SEED</c> makes again.
/// </summary>
public sealed class FuzzTests
{
    private const string Id = "gen_0123456789abcdef0123456789abcdef";

    private static readonly string[] _clients = ["native", "chat-completions", "responses", "messages", "gemini", "text-query", "text-chat", "text-ask"];

    private static readonly byte[][] _sse =
    [
        .. new[]
        {
            "data", "data:", "data: x", "event: y", "event:", "id: 1", "id: \0", "id", "retry: 10", "retry: x", "retry: 99999999999999999999", ":", ": ping", "other: z", " data: q", "{\"error\":1}",
            "\n", "\r", "\r\n", "\n\n", "\r\r", "\uFEFF", "好", "\u2028", " ",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff], [0xc3], [0],
        Encoding.UTF8.GetBytes($"data: {new string('x', 3000)}"),
    ];

    [Fact]
    public void An_event_stream_in_any_pieces_is_read_as_the_standard_says() => Fuzzer.Run(ReadSse);

    [Theory]
    [InlineData("chat-completions")]
    [InlineData("responses")]
    [InlineData("messages")]
    [InlineData("gemini")]
    [InlineData("native")]
    [InlineData("text-query")]
    [InlineData("text-ask")]
    public void A_request_is_taken_or_refused(string protocol)
    {
        var mutator = new JsonMutator(Corpus.Requests(protocol));
        var client = ClientProtocols.Find(protocol)!;
        ProviderProtocol[] providers = [.. ProviderProtocols.Names.Select(name => ProviderProtocols.New(name, new Uri("https://up.example/v1/"), version: null))];
        Fuzzer.Run((ref random, scratch) => ReadRequest(ref random, scratch, mutator, client, providers), share: protocol.StartsWith("text", StringComparison.Ordinal) ? 10 : 1, name: $"requests of {protocol}");
    }

    [Theory]
    [InlineData("chat-completions")]
    [InlineData("responses")]
    [InlineData("messages")]
    [InlineData("gemini")]
    public void An_answer_is_read_and_shown_or_the_providers_fault(string protocol)
    {
        var streams = Corpus.Streams(protocol);
        var payloads = new JsonMutator([.. streams.SelectMany(s => s).Select(f => f.Payload)]);
        var documents = new JsonMutator(Corpus.Documents(protocol));
        var provider = ProviderProtocols.New(protocol, new Uri("https://up.example/v1/"), version: null);
        Fuzzer.Run((ref random, scratch) => ReadAnswer(ref random, scratch, provider, streams, payloads, documents), name: $"answers of {protocol}");
    }

    [Fact]
    public void Events_of_the_log_are_read_or_known_to_be_none()
    {
        JsonSeed[] seeds =
        [
            .. new[]
            {
                """{"type":"started","model":"up/m"}""", """{"type":"block_start","block":0,"kind":"tool_call","choice":1,"id":"c","name":"f"}""",
                """{"type":"delta","block":0,"text":"Hi\ud83d","signature":"s","logprobs":[{"token":"a"}],"citation":{"url":"https://a.example","title":"t","quote":"q","start":0,"end":1}}""",
                """{"type":"usage","inputTokens":1,"outputTokens":2,"totalTokens":3,"cachedInputTokens":0,"cacheWriteTokens":0,"reasoningTokens":1,"source":"provider"}""",
                """{"type":"finished","reason":"stop","reasons":["stop","length"],"resetAt":5}""", """{"type":"failed","error":{"code":"c","message":"m","status":502,"retryAfterSeconds":1.5}}""", """{"type":"attempt","attempt":2,"reason":"r","model":"up/m"}""",
            }.Select(json => new JsonSeed(json)),
        ];
        var mutator = new JsonMutator(seeds);
        Fuzzer.Run((ref random, scratch) =>
        {
            mutator.Write(ref random, scratch);
            try
            {
                var read = NativeEventReader.Read(scratch.WrittenSpan);
                var again = new ArrayBufferWriter<byte>();
                NativeEventWriter.Write(read, again);
            }
            catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException)
            {
                // Whoever reads a log takes any of them for damage.
            }
        });
    }

    [Fact]
    public void A_damaged_segment_gives_whole_records_or_none() => Fuzzer.Run(ScanSegment);

    private static void ReadSse(ref FuzzRandom random, ArrayBufferWriter<byte> scratch)
    {
        for (var i = random.Below(24); i >= 0; i--)
        {
            scratch.Write(random.Of(_sse));
            if (random.OneIn(2)) scratch.Write("\n"u8);
        }

        using var reader = new SseReader(2048);
        var whole = new List<Frame>();
        var isTooLong = false;
        var rest = scratch.WrittenSpan;
        try
        {
            while (rest.Length > 0)
            {
                var piece = rest[..Math.Min(rest.Length, 1 + random.Below(random.OneIn(2) ? 3 : 200))];
                rest = rest[piece.Length..];
                while (reader.TryRead(ref piece, out var frame)) whole.Add(new Frame(SseFeed.Text(frame.Data), SseFeed.Text(frame.Event), SseFeed.Text(reader.LastEventId)));
                if (reader.Outside.Length > 17_000) throw new InvalidOperationException("More is kept from outside of frames than may be.");
            }

            reader.End();
        }
        catch (SseLineTooLongException)
        {
            isTooLong = true;
        }

        if (isTooLong) return;
        // Ids are bytes here and text there, and a line of it that is no UTF-8 counts all the same.
        var expected = SimpleSseReader.Read(Encoding.UTF8.GetString(scratch.WrittenSpan));
        if (!whole.Select(f => f.Data).SequenceEqual(expected.Select(f => f.Data), StringComparer.Ordinal) || !whole.Select(f => f.Event).SequenceEqual(expected.Select(f => f.Event), StringComparer.Ordinal))
            throw new InvalidOperationException($"Read {string.Join('|', whole)} and not {string.Join('|', expected)} from {Convert.ToBase64String(scratch.WrittenSpan)}");
    }

    private static void ReadRequest(ref FuzzRandom random, ArrayBufferWriter<byte> scratch, JsonMutator mutator, ClientProtocol client, ProviderProtocol[] providers)
    {
        mutator.Write(ref random, scratch);
        try
        {
            var request = client.ReadRequest(scratch.WrittenMemory);
            var error = new ArrayBufferWriter<byte>();
            var provider = random.Of(providers);
            provider.WriteRequest(random.OneIn(4) ? request with { Prefix = "So far" } : request, "m", random.OneIn(2), error, new DroppedFields());
            if (random.OneIn(8)) MustBeJson(error.WrittenSpan, scratch);
            UsageEstimate.Input(request);
        }
        catch (RequestException e)
        {
            if (e.Status is < 400 or > 499 || e.Message.Length > 2000) throw new InvalidOperationException($"{e.Status} {e.Message}", e);
            var error = new ArrayBufferWriter<byte>();
            client.WriteError(e, error);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message} of {Encoding.UTF8.GetString(scratch.WrittenSpan)}", e);
        }
    }

    private static void ReadAnswer(
        ref FuzzRandom random, ArrayBufferWriter<byte> scratch, ProviderProtocol provider,
        IReadOnlyList<IReadOnlyList<(byte[] Name, JsonSeed Payload)>> streams, JsonMutator payloads, JsonMutator documents)
    {
        var stream = new CheckingStream { Checks = random.OneIn(16) };
        var client = ClientProtocols.Find(random.Of(_clients))!;
        var choices = random.OneIn(4) ? 2 : 1;
        var request = new GenerationRequest { Protocol = client.Name, Body = default, Messages = [], Stream = !random.OneIn(4), IncludeUsage = true, Choices = choices };
        var recorder = new EventRecorder(stream, client.NewEventWriter(request, Id, default), Id, "up/m", client.Name, passthrough: client.Name == provider.Name && !random.OneIn(4));
        var reader = provider.NewEventReader(choices);
        try
        {
            if (random.OneIn(6))
            {
                documents.Write(ref random, scratch);
                recorder.Begin(asAsked: !request.Stream);
                reader.ReadWhole(scratch.WrittenSpan, recorder);
                if (reader.Error is null) recorder.EndPayload([], scratch.WrittenSpan, reader.Finished ? reader.Usage : null);
                Complete(recorder.CommitAsync());
            }
            else
            {
                recorder.Begin(asAsked: request.Stream);
                var frames = random.Of(streams);
                for (var at = 0; at < frames.Count && !reader.Done && reader.Error is null; at++)
                {
                    if (random.OneIn(20)) at = random.Below(frames.Count); // again, or out of order
                    if (random.OneIn(20)) continue;
                    var (name, seed) = random.OneIn(20) ? random.Of(random.Of(streams)) : frames[at];
                    scratch.ResetWrittenCount();
                    if (random.OneIn(4)) payloads.Write(ref random, seed, scratch);
                    else scratch.Write(seed.Bytes);
                    reader.Read(name, scratch.WrittenSpan, recorder);
                    if (reader.Done || reader.Error is not null) break;
                    recorder.EndPayload(name, scratch.WrittenSpan, reader.Finished ? reader.Usage : null);
                    if (random.OneIn(2)) Complete(recorder.CommitAsync());
                }
            }
        }
        catch (Exception e) when (e is ProviderFormatException or JsonException) // the latter from who passes on what is no JSON
        {
            // The provider's fault.
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message} for {client.Name}, last of {Encoding.UTF8.GetString(scratch.WrittenSpan)}", e);
        }

        try
        {
            if (random.OneIn(8)) recorder.Discard();
            Complete(recorder.EndAsync(reader.Usage, reader.Finished && reader.Error is null
                ? new GenerationEvent { Kind = EventKind.Finished, Reason = reader.Reason, Reasons = reader.Reasons }
                : new GenerationEvent { Kind = EventKind.Failed, Error = reader.Error ?? GenerationErrors.Internal }));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"At the end: {e.Message} for {client.Name}, last of {Encoding.UTF8.GetString(scratch.WrittenSpan)}", e);
        }
    }

    private static void ScanSegment(ref FuzzRandom random, ArrayBufferWriter<byte> scratch)
    {
        const uint Salt = 0x5a17;
        const long Base = 1 << 20;
        var written = new Dictionary<int, byte[]>(); // by place
        for (var i = 1 + random.Below(6); i > 0; i--)
        {
            var at = scratch.WrittenCount;
            var record = Record(ref random, Base + at, Salt, scratch);
            written[at] = record;
        }

        for (var i = random.Below(4); i > 0; i--) Spoil(ref random, scratch);
        var bytes = scratch.WrittenSpan.ToArray();
        var scanner = new SegmentScanner(bytes, Base, Salt);
        var last = -1;
        while (scanner.MoveNext())
        {
            if (scanner.Start <= last) throw new InvalidOperationException("It does not move on.");
            last = scanner.Start;
            if (scanner.IsDamaged) continue;
            var record = bytes.AsSpan(scanner.Start, scanner.Header.Length);
            if (!written.TryGetValue(scanner.Start, out var original) || !record.SequenceEqual(original)) throw new InvalidOperationException($"A record at {scanner.Start} that was never written.");
            for (var e = 0; e < scanner.Header.Count; e++) RecordFormat.Event(record, scanner.Header.Count, e);
            RecordFormat.Mark(record, scanner.Header);
        }

        _ = scanner.HasTornTail;
    }

    /// <summary>Writes a record as the store does; its events hold what looks like records, as a client's may.</summary>
    private static byte[] Record(ref FuzzRandom random, long position, uint salt, ArrayBufferWriter<byte> output)
    {
        var events = new byte[random.Below(4)][];
        for (var i = 0; i < events.Length; i++)
        {
            events[i] = new byte[random.Below(120)];
            if (events[i].Length < 72) continue;
            var lookalike = events[i].AsSpan(random.Below(3) * 4);
            MemoryMarshal.Write(lookalike, RecordHeader.MagicNumber);
            MemoryMarshal.Write(lookalike[8..], RecordHeader.Size + random.Below(200));
            lookalike[12] = (byte)RecordKind.Append;
        }

        var mark = random.OneIn(3) ? AppendMark.Write(new StreamAppend { ProducerId = "p", ProducerEpoch = 1, ProducerSeq = 2, Sequence = random.OneIn(2) ? "s" : null }) : [];
        var ends = new int[events.Length];
        for (int i = 0, end = 0; i < events.Length; i++) ends[i] = end += events[i].Length;
        byte[] data = [.. events.SelectMany(e => e)];
        var header = new RecordHeader
        {
            Magic = RecordHeader.MagicNumber,
            Length = RecordHeader.Size + (ends.Length * sizeof(int)) + data.Length + mark.Length,
            Kind = RecordKind.Append,
            MarkLength = (ushort)mark.Length,
            Stream = 1 + random.Below(3),
            Count = events.Length,
            Epoch = 1,
        };
        var ending = MemoryMarshal.AsBytes<int>(ends);
        header.Checksum = RecordFormat.Seal(RecordFormat.Checksum(ending, data, mark), header, position, salt);
        var record = new byte[RecordFormat.Align(header.Length)];
        header.Write(record);
        ending.CopyTo(record.AsSpan(RecordHeader.Size));
        data.CopyTo(record, RecordHeader.Size + ending.Length);
        mark.CopyTo(record, header.Length - mark.Length);
        output.Write(record);
        return record[..header.Length];
    }

    // As a torn write, a bad disk or a careless copy leaves them.
    private static void Spoil(ref FuzzRandom random, ArrayBufferWriter<byte> output)
    {
        var bytes = output.WrittenSpan.ToArray();
        if (bytes.Length == 0) return;
        var at = random.Below(bytes.Length);
        var length = Math.Min(1 + random.Below(200), bytes.Length - at);
        switch (random.Below(5))
        {
            case 0:
                bytes.AsSpan(at, length).Clear();
                break;
            case 1:
                bytes[at] ^= (byte)(1 << random.Below(8));
                break;
            case 2:
                bytes = bytes[..at];
                break;
            case 3:
                bytes.AsSpan(random.Below(bytes.Length - length + 1), length).ToArray().CopyTo(bytes, at);
                break;
            default:
                var header = at / RecordFormat.Alignment * RecordFormat.Alignment;
                if (header + 12 <= bytes.Length) MemoryMarshal.Write(bytes.AsSpan(header + 8), (int)random.Next());
                break;
        }

        output.ResetWrittenCount();
        output.Write(bytes);
    }

    private static void MustBeJson(ReadOnlySpan<byte> json, ArrayBufferWriter<byte> from)
    {
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 1000 });
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"No JSON was made of {Encoding.UTF8.GetString(from.WrittenSpan)}: {Encoding.UTF8.GetString(json)}", e);
        }
    }

    // The stream's appends are.
    private static void Complete(ValueTask task) => task.AsTask().GetAwaiter().GetResult();

    /// <summary>A stream that keeps nothing, and looks at some of what it is given.</summary>
    private sealed class CheckingStream : IStreamWriter
    {
        public bool Checks { get; init; }

        public string Path => "fuzz";

        public long Epoch => 1;

        public long NextOffset { get; private set; }

        public ValueTask AppendAsync(StreamBatch batch, bool close = false)
        {
            NextOffset += batch.Count;
            for (var i = 0; Checks && i < batch.Count; i++)
            {
                var json = EventRecord.Json(batch[i]);
                if (json.Contains((byte)'\n')) throw new InvalidOperationException($"An event on more than one line: {Encoding.UTF8.GetString(json)}");
                NativeEventReader.Read(json);
            }

            return default;
        }
    }
}
