using System.Reflection;
using Xunit;

namespace Diffusion.Tests.Design;

/// <summary>Each test can fail: its code, or code of this assembly that it calls, comes to an assertion. Read off the compiled methods.</summary>
public class AssertionTests
{
    // Tests whose claim is that nothing unforeseen is thrown; and what writes the record of the API, which is run on request only.
    private static readonly string[] ByNotThrowing = ["PublicApiTests.Record", "SamplerCostTests.NothingIsReadFromTheDevice", "HostileSafetensorsTests.ARandomByteNeverDoesMoreThanThrow"];

    private static readonly Assembly Tests = typeof(AssertionTests).Assembly;

    [Fact]
    public void EveryTestComesToAnAssertion() =>
        Assert.Equal(ByNotThrowing.Order(StringComparer.Ordinal), TestMethods().Where(method => !Asserts(method)).Select(NameOf).Order(StringComparer.Ordinal));

    private static string NameOf(MethodInfo method) => $"{method.DeclaringType!.Name}.{method.Name}";

    private static IEnumerable<MethodInfo> TestMethods() => Tests.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
        .Where(method => method.GetCustomAttributes<FactAttribute>().Any());

    private static bool Asserts(MethodBase test)
    {
        var (seen, left) = (new HashSet<MethodBase> { test }, new Queue<MethodBase>([test]));
        while (left.TryDequeue(out var method))
            foreach (var called in Called(method))
            {
                if (called.DeclaringType == typeof(Assert)) return true;
                if (called.Module.Assembly == Tests && seen.Add(called)) left.Enqueue(called);
            }

        return false;
    }

    // Every method whose token follows an instruction that calls, makes or refers to one. Bytes that only look like such an instruction name no method, or one too many.
    private static IEnumerable<MethodBase> Called(MethodBase method)
    {
        // What runs for an iterator or an asynchronous method is its state machine.
        if (method.GetCustomAttribute<System.Runtime.CompilerServices.StateMachineAttribute>() is { } machine)
            foreach (var step in machine.StateMachineType.GetMethods(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)) yield return step;
        var code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        const byte call = 0x28, callVirtual = 0x6F, make = 0x73, two = 0xFE, function = 0x06;
        for (var i = 0; i + 4 < code.Length; i++)
        {
            var at = code[i] is call or callVirtual or make ? i + 1 : code[i] == two && code[i + 1] == function ? i + 2 : -1;
            if (at >= 0 && at + 4 <= code.Length && Resolve(method, BitConverter.ToInt32(code, at)) is { } found) yield return found;
        }
    }

    private static MethodBase? Resolve(MethodBase caller, int token)
    {
        try
        {
            var found = caller.Module.ResolveMethod(token, caller.DeclaringType?.GetGenericArguments(), caller.IsGenericMethod ? caller.GetGenericArguments() : null);
            return found is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericMethodDefinition() : found;
        }
        catch (Exception error) when (error is ArgumentException or BadImageFormatException or MissingMethodException or TypeLoadException)
        {
            return null;
        }
    }
}
