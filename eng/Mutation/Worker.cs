using System.Text.Json;
using Xunit.Sdk;

namespace Mutation;

/// <summary>The process that runs tests: it is asked a line, says which test it begins, and answers a line. Ended from outside where a mutant hangs or takes all memory.</summary>
internal static class Worker
{
    public static async Task Run(string library, int size)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        Console.SetOut(TextWriter.Null);
        set_num_threads(1);
        zeros(1).Dispose(); // libtorch is loaded once, before the first mutant
        void Say(Reply reply) => output.WriteLine(JsonSerializer.Serialize(reply));
        Say(new Reply());
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var request = JsonSerializer.Deserialize<Request>(line)!;
            Say(request.Class is { } testClass ? new Reply(Covered: await Cover(library, size, testClass, Say)) : new Reply(Killer: await Attempt(library, size, request, Say)));
        }
    }

    private static async Task<string?> Attempt(string library, int size, Request request, Action<Reply> say)
    {
        try
        {
            return await Try(library, size, request, say);
        }
        catch (Exception error)
        {
            return $"the tests cannot be run: {error.GetType().Name}: {error.Message.Split('\n')[0]}";
        }
    }

    private static async Task<ClassCoverage> Cover(string library, int size, string testClass, Action<Reply> say)
    {
        var bench = new TestBench(library, size, -1);
        var shared = new HashSet<int>();
        var (seconds, passed, reached) = (new Dictionary<string, double>(), new HashSet<string>(), new Dictionary<string, HashSet<int>>());
        await bench.Run(testClass, null, message =>
        {
            switch (message)
            {
                case ITestStarting starting:
                    say(new Reply(starting.TestCaseUniqueID));
                    shared.UnionWith(bench.Reached());
                    if (seconds.TryAdd(starting.TestCaseUniqueID, 0)) passed.Add(starting.TestCaseUniqueID);
                    break;
                case ITestFailed or ITestSkipped or ITestNotRun:
                    passed.Remove(((ITestMessage)message).TestCaseUniqueID);
                    break;
                case ITestFinished finished:
                    seconds[finished.TestCaseUniqueID] += (double)finished.ExecutionTime;
                    if (!reached.TryGetValue(finished.TestCaseUniqueID, out var ids)) reached[finished.TestCaseUniqueID] = ids = [];
                    ids.UnionWith(bench.Reached());
                    break;
            }

            return true;
        }, stopAtFailure: false);
        return new ClassCoverage(testClass, bench.OfLibrary, [.. shared], [.. seconds.Select(test => new TestCoverage(test.Key, test.Value, passed.Contains(test.Key), [.. reached.GetValueOrDefault(test.Key, [])]))]);
    }

    private static async Task<string?> Try(string library, int size, Request request, Action<Reply> say)
    {
        string? killer = null;
        var bench = new TestBench(library, size, request.Mutant);
        foreach (var (testClass, cases) in request.Tests!)
        {
            await bench.Run(testClass, cases, message =>
            {
                if (message is ITestStarting starting) say(new Reply(starting.TestCaseUniqueID));
                if (message is IErrorMetadata error and (ITestFailed or ITestClassCleanupFailure or ITestCollectionCleanupFailure or IErrorMessage))
                    killer ??= $"{testClass}: {error.ExceptionTypes.FirstOrDefault()}: {error.Messages.FirstOrDefault()?.Split('\n')[0]}";
                return killer is null;
            }, stopAtFailure: true);
            if (killer is not null) break;
        }

        return killer;
    }
}
